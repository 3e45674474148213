// A game server on Agones' own Node SDK that knows nothing of Forge. It takes the words that Agones' own game server takes, by UDP, and as
// that one it ends when its Health cannot be sent; it ends with 9 when its watch does.
"use strict";
const { createSocket } = require("node:dgram");
const AgonesSDK = require("@google-cloud/agones-sdk");

const sdk = new AgonesSDK();
const socket = createSocket("udp4");
let seen = 0;
let health;

const WORDS = {
  READY: () => sdk.ready(),
  ALLOCATE: () => sdk.allocate(),
  UNHEALTHY: () => clearInterval(health),
  CRASH: () => process.exit(1),
  PLAYER_CONNECT: (id) => sdk.alpha.playerConnect(id),
  PLAYER_DISCONNECT: (id) => sdk.alpha.playerDisconnect(id),
  INCREMENT_COUNTER: (key, by) => sdk.beta.incrementCounter(key, Number(by)),
  GET_COUNTER_COUNT: (key) => sdk.beta.getCounterCount(key),
  LABEL: (key, value) => sdk.setLabel(key, value),
  SEEN: () => seen,
  EXIT: () => sdk.shutdown(),
};

async function main() {
  await sdk.connect();
  const failed = (error) => {
    console.error(`Could not send health ping, ${error.message}`);
    process.exit(1);
  };
  health = setInterval(() => sdk.health(failed), 1000);
  sdk.health(failed);
  sdk.watchGameServer(
    () => void seen++,
    (error) => {
      console.error(`The watch ended, ${error.message}`);
      process.exit(9);
    },
  );
  socket.on("message", (message, from) => {
    const [word, ...rest] = String(message).trim().split(" ");
    const answer = async () => (WORDS[word] ? await WORDS[word](...rest) : undefined);
    const reply = (text) => socket.send(text, from.port, from.address);
    answer().then(
      (value) =>
        reply(value === undefined || typeof value === "object" ? `ACK: ${String(message)}\n` : `${String(value)}\n`),
      (error) => reply(`ERROR: ${error.message}\n`),
    );
  });
  socket.bind(Number(process.env.GAME_PORT), () => void sdk.ready());
}

process.on("SIGTERM", () => process.exit(0));
void main();
