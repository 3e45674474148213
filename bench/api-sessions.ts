/**
 * How many `POST /v1/sessions` a second one controller's API answers, beside a bare node:http server that reads the
 * same requests and answers the same bytes. The controller behind the API answers at once, so this is the cost of the
 * API itself: HTTP, token, rights, validation, answer. The load comes from another process on the same machine.
 *
 *   npx tsx bench/api-sessions.ts [--seconds 5] [--connections 64] [--rounds 3]
 *
 * Each row is its best round.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { type Server, createServer } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { Pool } from "undici";
import { buildApi } from "../controller/api/api";
import { BackendDouble, placementSample } from "../controller/api/backend-double";
import { Tokens } from "../controller/tokens";
import { systemClock } from "../protocol/clock";
import { bundle } from "./bundle";

const WARM_UP_SECS = 1;
const BODY = JSON.stringify({
  playerId: "player-000001",
  experienceId: "arena",
  version: "1.0.0",
  latencies: { "us-east": 24.5, "eu-west": 98 },
});

interface Load {
  readonly url: string;
  readonly tokens: readonly string[];
  readonly connections: number;
  readonly seconds: number;
}

interface Result {
  readonly requests: number;
  readonly seconds: number;
  readonly failed: number;
  readonly p50: number;
  readonly p99: number;
}

/** The load generator: as many requests under way as connections, each followed by the next. */
async function generate({ url, tokens, connections, seconds }: Load): Promise<Result> {
  const pool = new Pool(url, { connections, pipelining: 1 });
  const latencies: number[] = [];
  let failed = 0;
  let sent = 0;
  const begin = performance.now();
  const end = begin + seconds * 1000;
  const caller = async (): Promise<void> => {
    while (performance.now() < end) {
      const from = performance.now();
      const authorization = `Bearer ${tokens[sent++ % tokens.length]}`;
      const { statusCode, body } = await pool.request({
        path: "/v1/sessions",
        method: "POST",
        headers: { authorization, "content-type": "application/json" },
        body: BODY,
      });
      await body.dump();
      if (statusCode !== 200) failed += 1;
      latencies.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: connections }, caller));
  const took = (performance.now() - begin) / 1000;
  await pool.close();
  latencies.sort((a, b) => a - b);
  const at = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? NaN;
  return { requests: latencies.length, seconds: took, failed, p50: at(0.5), p99: at(0.99) };
}

interface Row extends Result {
  readonly name: string;
  /** Of the server's process, for each request. */
  readonly cpuMicros: number;
}

/** One round; the caller takes turns between what is compared, so that a busy machine hurts all alike. */
async function measure(name: string, load: Load): Promise<Row> {
  await inChild({ ...load, seconds: WARM_UP_SECS });
  const before = process.cpuUsage();
  const result = await inChild(load);
  const { user, system } = process.cpuUsage(before);
  return { name, ...result, cpuMicros: (user + system) / result.requests };
}

function better(a: Row | undefined, b: Row): Row {
  return a && a.requests / a.seconds >= b.requests / b.seconds ? a : b;
}

async function inChild(load: Load): Promise<Result> {
  const child = fork(__filename, ["--generate"], { execArgv: [] });
  child.send(load);
  const [result] = (await once(child, "message")) as [Result];
  await once(child, "exit");
  return result;
}

/** Reads each request whole and answers what the API would. */
async function bareServer(): Promise<Server> {
  const answer = JSON.stringify(placementSample());
  const length = Buffer.byteLength(answer);
  const server = createServer((request, response) => {
    request.resume();
    request.on("end", () => {
      response.writeHead(200, { "content-type": "application/json; charset=utf-8", "content-length": length });
      response.end(answer);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function print(rows: readonly Row[]): void {
  const [bare] = rows;
  console.log(
    "what                                  requests/s   of bare    p50 ms    p99 ms   server CPU µs/request   failed",
  );
  for (const row of rows) {
    const rate = row.requests / row.seconds;
    const share = bare ? rate / (bare.requests / bare.seconds) : NaN;
    const cells = [
      rate.toFixed(0).padStart(10),
      share.toFixed(2).padStart(9),
      row.p50.toFixed(2).padStart(9),
      row.p99.toFixed(2).padStart(9),
      row.cpuMicros.toFixed(1).padStart(23),
      String(row.failed).padStart(8),
    ];
    console.log(row.name.padEnd(38) + cells.join(" "));
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      measure: { type: "boolean" },
      seconds: { type: "string", default: "5" },
      connections: { type: "string", default: "64" },
      rounds: { type: "string", default: "3" },
    },
  });
  const common = { seconds: Number(values.seconds), connections: Number(values.connections) };

  const tokens = new Tokens("a key of one run, for this benchmark only", systemClock);
  const one = [tokens.mint({ sub: "matchmaker", role: "allocator", regions: ["*"] }).token];
  const many = Array.from(
    { length: 10_000 },
    (_, n) => tokens.mint({ sub: `matchmaker-${n}`, role: "allocator", regions: ["*"] }).token,
  );
  const app = buildApi({
    backend: new BackendDouble("local", { remember: false }),
    tokens,
    clock: systemClock,
    options: { ticketSecret: "for this benchmark only", version: "0.0.0" },
  });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  const bare = await bareServer();
  const bareUrl = `http://127.0.0.1:${(bare.address() as AddressInfo).port}`;

  const contenders: readonly (readonly [name: string, load: Load])[] = [
    ["bare node:http, same bytes", { ...common, url: bareUrl, tokens: one }],
    ["POST /v1/sessions, one token", { ...common, url, tokens: one }],
    ["POST /v1/sessions, 10,000 tokens", { ...common, url, tokens: many }],
  ];
  const best = new Map<string, Row>();
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const [name, load] of contenders) best.set(name, better(best.get(name), await measure(name, load)));
  }
  print([...best.values()]);
  bare.closeAllConnections();
  bare.close();
  await app.close();
}

/** Runs the rest of this file as `forge` ships its programs: a loader's wrappers are not what is to be measured. */
async function measureBundled(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "forge-bench-"));
  try {
    const { program } = await bundle(folder, { program: "bench/api-sessions.ts" });
    const child = fork(program, ["--measure", ...process.argv.slice(2)], { execArgv: [] });
    const [code] = (await once(child, "exit")) as [number | null];
    process.exitCode = code ?? 1;
  } finally {
    await rm(folder, { recursive: true });
  }
}

if (process.argv.includes("--generate")) {
  process.once(
    "message",
    (load) => void generate(load as Load).then((result) => process.send?.(result, () => process.disconnect())),
  );
} else {
  void (process.argv.includes("--measure") ? main() : measureBundled());
}
