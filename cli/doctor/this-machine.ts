import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { cpus, homedir, totalmem } from "node:os";
import { join } from "node:path";
import { describeLimits } from "../../controller/adapters/embedded/limits";
import { findExecutable, type LookupPlace } from "../../controller/adapters/embedded/program-lookup";
import { findInPlaces, programPlaces, versionOf } from "../../infra/programs";
import type { Machine } from "./check";
import type { ProgramFinder } from "./program-checks";

const ANSWER_MS = 2000;

export function thisMachine(lookup: LookupPlace): Machine {
  return {
    nodeVersion: process.versions.node,
    cores: cpus().length,
    memoryBytes: totalmem(),
    limits: () => describeLimits(),
    find: (program) => findExecutable(program, lookup),
    exists: existsSync,
    isPortFree,
    answers,
  };
}

/** Programs of others: on PATH, else in Forge's cache. */
export function thisMachinesPrograms(env: Readonly<Record<string, string | undefined>>): ProgramFinder {
  const places = programPlaces(env, homedir());
  return {
    where: `on PATH or in ${join(places.cache, "bin")}`,
    find: (name) => findInPlaces(name, places),
    version: versionOf,
  };
}

function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
    await response.body?.cancel();
    return true;
  } catch {
    return false;
  }
}
