import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HttpJson, HttpStatusError, HttpUnreachable } from "./http-json";

const servers: Server[] = [];
const clients: HttpJson[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(answer: RequestListener, path?: string): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  server.listen(path ?? { port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  return path === undefined ? `http://127.0.0.1:${(server.address() as AddressInfo).port}` : `unix://${path}`;
}

function clientOf(address: string, headers: () => Record<string, string> = () => ({})): HttpJson {
  const client = new HttpJson({ address, headers, name: "Nomad" });
  clients.push(client);
  return client;
}

test("sends JSON with query and headers, and reads what comes back", async () => {
  let tokens = 0;
  const address = await serve((request, response) => {
    request.setEncoding("utf8").on("data", (body: string) => {
      response.end(
        JSON.stringify({ url: request.url, token: request.headers["x-token"], body, method: request.method }),
      );
    });
  });
  const client = clientOf(address, () => ({ "x-token": String(++tokens) }));
  const call = { query: { a: 1, b: undefined, c: "x y" }, body: { d: [true] } };
  expect(await client.json("PUT", "/v1/thing", call)).toEqual({
    url: "/v1/thing?a=1&c=x+y",
    token: "1",
    body: '{"d":[true]}',
    method: "PUT",
  });
  expect(await client.json("PUT", "/v1/thing", call)).toMatchObject({ token: "2" });
});

test("keeps a path in front, and speaks over a Unix socket", async () => {
  const folder = mkdtempSync(join(tmpdir(), "forge-http-"));
  const socket = await serve(
    (request, response) => response.end(JSON.stringify(request.url)),
    join(folder, "api.sock"),
  );
  expect(await clientOf(socket).json("GET", "/v1/jobs")).toBe("/v1/jobs");
  const address = await serve((request, response) => response.end(JSON.stringify(request.url)));
  expect(await clientOf(`${address}/behind/a/proxy/`).json("GET", "/v1/jobs")).toBe("/behind/a/proxy/v1/jobs");
  rmSync(folder, { recursive: true });
});

test("tells what was refused, with the text and without the token", async () => {
  const address = await serve((_, response) => response.writeHead(403).end("Permission denied\n"));
  const failed = clientOf(address, () => ({ "x-nomad-token": "secret-one" })).json("GET", "/v1/jobs");
  const error = await failed.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(HttpStatusError);
  expect((error as HttpStatusError).status).toBe(403);
  expect((error as Error).message).toBe("Nomad answered 403 to GET /v1/jobs: Permission denied");
});

test("tells that nobody listens, that no answer came in time, and that it was given up", async () => {
  await expect(clientOf("http://127.0.0.1:1").json("GET", "/x")).rejects.toThrow(
    /Nomad did not answer GET \/x: ECONNREFUSED/,
  );
  const address = await serve(() => undefined);
  const late = clientOf(address).json("GET", "/x", { timeoutMs: 20 });
  await expect(late).rejects.toThrow("Nomad did not answer GET /x: no answer within 20 ms");
  const ending = new AbortController();
  const given = clientOf(address).json("GET", "/x", { signal: ending.signal });
  ending.abort(new Error("enough"));
  await expect(given).rejects.toThrow(HttpUnreachable);
});

test("gives a long answer as it comes", async () => {
  const address = await serve((_, response) => {
    response.write("one\n");
    setImmediate(() => response.end("two\n"));
  });
  const ending = new AbortController();
  let text = "";
  for await (const part of await clientOf(address).stream("GET", "/v1/event/stream", { signal: ending.signal }))
    text += part.toString("utf8");
  expect(text).toBe("one\ntwo\n");
});
