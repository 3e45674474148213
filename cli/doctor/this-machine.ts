import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { cpus, totalmem } from "node:os";
import { describeLimits } from "../../controller/adapters/embedded/limits";
import { findExecutable, type LookupPlace } from "../../controller/adapters/embedded/program-lookup";
import type { Machine } from "./check";

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
