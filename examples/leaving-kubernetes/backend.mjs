// What the shop sells, for whoever has the key.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const catalog = readFileSync(process.argv[process.argv.indexOf("--catalog") + 1]);

createServer((request, response) => {
  if (request.url === "/healthz") response.end("ok\n");
  else if (request.headers.authorization !== `Bearer ${process.env.API_KEY}`) response.writeHead(401).end("no key\n");
  else response.setHeader("content-type", "application/json").end(catalog);
}).listen(Number(process.env.PORT));
