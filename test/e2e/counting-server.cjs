// A game server on Agones' REST calls that counts rooms: POST /rooms?count=3 on its port `game` sets its counter.
"use strict";
const http = require("node:http");
const sdk = `http://127.0.0.1:${process.env.AGONES_SDK_HTTP_PORT}`;

async function call(method, path, body = {}) {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(sdk + path, { method, headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${await answer.text()}`);
}

/** The port is opened a moment after the server has started. */
async function ready(triesLeft) {
  try {
    await call("POST", "/ready");
  } catch (error) {
    if (triesLeft === 0) throw error;
    setTimeout(ready, 50, triesLeft - 1);
  }
}

const server = http.createServer((request, response) => {
  const count = new URL(request.url, "http://here").searchParams.get("count");
  call("PATCH", "/v1beta1/counters/rooms", { count }).then(
    () => response.end("{}"),
    (error) => response.writeHead(500).end(String(error)),
  );
});
server.listen(Number(process.env.FORGE_PORT_game ?? process.env.FORGE_PORT_GAME), "127.0.0.1", () => void ready(200));
setInterval(() => call("POST", "/health").catch(() => undefined), 1000);
