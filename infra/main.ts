import { randomBytes } from "node:crypto";
import { homedir } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { serveArtifacts } from "./artifacts/serve-artifacts";
import { runInfra, type InfraIo } from "./infra-command";
import { SERVE_ARTIFACTS } from "./local/agent-plan";
import { programPlaces } from "./programs";

const io: InfraIo = {
  env: process.env,
  // The bundle is dist/infra.js.
  dist: __dirname,
  places: programPlaces(process.env, homedir()),
  now: () => Date.now(),
  pause: (ms) => pause(ms),
  randomBytes,
  note: (line) => void process.stderr.write(`${line}\n`),
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
};

const [action, file] = process.argv.slice(2);
if (action === SERVE_ARTIFACTS) {
  void serveArtifacts(file ?? "");
} else {
  void runInfra(process.argv.slice(2), io).then((code) => {
    process.exitCode = code;
  });
}
