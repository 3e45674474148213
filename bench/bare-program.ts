/** The least that could answer: node:http that reads each request whole and answers the same bytes to all. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { answerParent } from "./child-program";

const server = createServer({ keepAliveTimeout: 65_000 });

async function listen({ answer }: { readonly answer: string }): Promise<number> {
  const length = Buffer.byteLength(answer);
  server.on("request", (request, response) => {
    request.resume();
    request.on("end", () => {
      response.writeHead(200, { "content-type": "application/json; charset=utf-8", "content-length": length });
      response.end(answer);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

answerParent({ listen }, () => server.closeAllConnections());
