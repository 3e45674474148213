/**
 * The game server of the engine contract: it does what its arguments say, prints what happened a line each, and goes on
 * until it is told to end.
 *
 *   env             prints its environment, arguments and folder as JSON
 *   listen          binds each of its ports but `sdk`, TCP and UDP
 *   exit CODE       ends at once
 *   crash           ends itself by SIGKILL
 *   exitOnFile FILE ends with 3 when the file appears
 *   deaf            takes no notice of SIGTERM
 *   fork            starts a child in the same process group that takes no notice of SIGTERM, prints its pid
 *   escape          starts a child in a session of its own, prints its pid
 *   grow MIB        takes memory until it has so much, and more
 *   remember        appends a line to `notes` in the volume `world`, prints how many there are
 *   tick            prints a number each 5 ms
 *   say TEXT        prints the text
 */
const { appendFileSync, readFileSync, watch, existsSync } = require("node:fs");
const { createServer } = require("node:net");
const { createSocket } = require("node:dgram");
const { spawn } = require("node:child_process");
const { dirname, join } = require("node:path");

const words = process.argv.slice(2);
const next = () => words.shift() ?? "";
let deaf = false;

const deeds = {
  env: () =>
    say(`env ${JSON.stringify({ env: process.env, args: words.splice(0), cwd: process.cwd(), pid: process.pid })}`),
  listen: () => listen(),
  exit: () => process.exit(Number(next())),
  crash: () => process.kill(process.pid, "SIGKILL"),
  exitOnFile: () => exitOnFile(next()),
  deaf: () => {
    deaf = true;
  },
  fork: () => say(`child ${startChild(false)}`),
  escape: () => say(`child ${startChild(true)}`),
  grow: () => grow(Number(next())),
  remember: () => {
    const notes = join(process.env.FORGE_VOLUME_WORLD, "notes");
    appendFileSync(notes, "was here\n");
    say(`notes ${readFileSync(notes, "utf8").trim().split("\n").length}`);
  },
  tick: () => {
    let count = 0;
    setInterval(() => say(`tick ${(count += 1)}`), 5);
  },
  say: () => say(next()),
};

process.on("SIGTERM", () => {
  if (deaf) return say("not listening to SIGTERM");
  say("asked by SIGTERM");
  process.exit(0);
});
process.on("SIGUSR1", () => {
  say("asked by SIGUSR1");
  process.exit(7);
});
setInterval(() => {}, 1 << 30);
while (words.length > 0) deeds[next()]();
say("up");

function say(line) {
  process.stdout.write(`${line}\n`);
}

function listen() {
  const ports = Object.entries(process.env).filter(
    ([name]) => name.startsWith("NOMAD_PORT_") && !name.endsWith("_sdk"),
  );
  let waiting = ports.length * 2;
  const bound = () => {
    waiting -= 1;
    if (waiting === 0) say("bound");
  };
  for (const [, port] of ports) {
    createServer().listen(Number(port), "0.0.0.0", bound);
    createSocket("udp4").bind(Number(port), "0.0.0.0", bound);
  }
}

function exitOnFile(file) {
  const look = () => existsSync(file) && process.exit(3);
  watch(dirname(file), look);
  look();
}

function startChild(detached) {
  const code = 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1 << 30)';
  return spawn(process.execPath, ["-e", code], { detached, stdio: "ignore" }).pid;
}

function grow(mib) {
  const held = [];
  const step = 8;
  setInterval(() => {
    if (held.length * step <= mib * 3) held.push(Buffer.alloc(step * 1024 * 1024, 1));
  }, 5);
}
