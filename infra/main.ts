import { randomBytes } from "node:crypto";
import { homedir } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { runInfra, type InfraIo } from "./infra-command";
import { programPlaces } from "./programs";

const io: InfraIo = {
  env: process.env,
  places: programPlaces(process.env, homedir()),
  now: () => Date.now(),
  pause: (ms) => pause(ms),
  randomBytes,
  note: (line) => void process.stderr.write(`${line}\n`),
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
};

void runInfra(process.argv.slice(2), io).then((code) => {
  process.exitCode = code;
});
