// A game server that ends when the stream to its SDK does, as Agones' own does. A player is somebody who holds a connection to it.
"use strict";
const http = require("node:http");
const { FORGE_SDK_URL: url, FORGE_SDK_TOKEN: token, FORGE_PORT_GAME: port } = process.env;
const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };

async function call(path, body = {}) {
  const answer = await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: answer.status, body: await answer.json() };
}

/** The port is opened a moment after the server has started. */
function watch(triesLeft) {
  const sent = http.get(`${url}/v1/watch`, { headers, agent: false }, (stream) => {
    stream.on("close", () => process.exit(7));
    stream.resume();
    serve();
  });
  sent.on("error", () => (triesLeft === 0 ? process.exit(3) : setTimeout(watch, 50, triesLeft - 1)));
}

function serve() {
  const server = http.createServer((request, response) => {
    call("/v1/players/join", { ticket: decodeURIComponent(request.url.slice(1)) }).then(
      ({ status, body }) => {
        response.writeHead(status);
        if (status !== 200) return response.end(JSON.stringify(body));
        response.write("in\n");
        response.on("close", () => call("/v1/players/leave", { playerId: body.playerId }).catch(() => undefined));
      },
      (error) => response.writeHead(500).end(String(error)),
    );
  });
  server.listen(Number(port), "127.0.0.1", () => void call("/v1/ready"));
  setInterval(() => call("/v1/health").catch(() => undefined), 1000);
}

watch(600);
