// A game server that speaks Agones' SDK over REST, as engines' plugins do: a call that fails is made again with the next tick.
"use strict";
const { createSocket } = require("node:dgram");

const at = `http://127.0.0.1:${process.env.AGONES_SDK_HTTP_PORT}`;
const socket = createSocket("udp4");
const call = (path) =>
  fetch(at + path, { method: "POST", body: "{}", headers: { "content-type": "application/json" } });

async function until(path) {
  for (;;) {
    const done = await call(path).then(
      ({ ok }) => ok,
      () => false,
    );
    if (done) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

setInterval(() => call("/health").catch(() => undefined), 1000);
socket.on("message", (message, from) => socket.send(`ACK: ${String(message)}\n`, from.port, from.address));
socket.bind(Number(process.env.GAME_PORT), () => void until("/ready"));
process.on("SIGTERM", () => process.exit(0));
