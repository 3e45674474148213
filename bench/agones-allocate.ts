/**
 * The load that Agones documents for its allocation at 52.6 s (`test/load/allocation/README.md`): 4,000 ready servers,
 * 40 clients that each make 100 calls one after the other. Here over gRPC and over REST, a fresh region for each, through
 * the allocation service with its tokens. The servers are virtual; controller, agents, journals and both wires are real.
 * Beside it the bare peer: the same clients' health checks at the same service, which allocate nothing.
 *
 *   npx tsx bench/agones-allocate.ts [--servers 4000] [--clients 40] [--calls 100] [--nodes 10]
 *                                      [--profile FOLDER]: also CPU profiles of the controller and agents, of the calls alone
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Client } from "undici";
import { AllocationClient, framed } from "../controller/agones/testing/allocation-client";
import { bundle } from "./bundle";
import { distribution } from "./distribution";
import { tellFigure } from "./figure";
import { freePort } from "../protocol/free-ports";
import { runInFolder } from "./in-folder";
import { machineLine } from "./machine";
import { EXPERIENCE } from "./fixed-fleet";
import { VirtualRegion } from "./virtual-region";

const { values } = parseArgs({
  options: {
    servers: { type: "string", default: "4000" },
    clients: { type: "string", default: "40" },
    calls: { type: "string", default: "100" },
    nodes: { type: "string", default: "10" },
    profile: { type: "string" },
  },
});
const SELECTORS = { gameServerSelectors: [{ matchLabels: { "agones.dev/fleet": EXPERIENCE } }] };

/** One call: the server that it got, or what it got instead. */
type Call = () => Promise<{ readonly server?: string; readonly refused?: string }>;

interface Caller {
  readonly call: Call;
  close(): Promise<void>;
}

async function grpcCaller(port: number, authorization: string): Promise<Caller> {
  const client = await AllocationClient.connect(`http://127.0.0.1:${port}`);
  return {
    call: async () => {
      const { status, message, answer } = await client.allocate(SELECTORS, { authorization });
      return status === 0 ? { server: String(answer?.["gameServerName"]) } : { refused: `${status} ${message}` };
    },
    close: () => client.close(),
  };
}

async function healthCaller(port: number): Promise<Caller> {
  const client = await AllocationClient.connect(`http://127.0.0.1:${port}`);
  let calls = 0;
  return {
    call: async () => {
      const { status } = await client.send("/grpc.health.v1.Health/Check", framed(new Uint8Array()));
      return status === 0 ? { server: `${port}-${(calls += 1)}` } : { refused: String(status) };
    },
    close: () => client.close(),
  };
}

function restCaller(port: number, authorization: string): Caller {
  const client = new Client(`http://127.0.0.1:${port}`, { pipelining: 1 });
  const body = JSON.stringify(SELECTORS);
  return {
    call: async () => {
      const headers = { authorization, "content-type": "application/json" };
      const answer = await client.request({ method: "POST", path: "/gameserverallocation", headers, body });
      const text = await answer.body.text();
      if (answer.statusCode !== 200) return { refused: `${answer.statusCode} ${text}` };
      return { server: (JSON.parse(text) as { gameServerName: string }).gameServerName };
    },
    close: () => client.close(),
  };
}

async function load(what: string, callers: readonly Caller[]): Promise<void> {
  const tookMs: number[] = [];
  const given: string[] = [];
  const refused: string[] = [];
  const startMs = performance.now();
  await Promise.all(
    callers.map(async ({ call }) => {
      for (let i = 0; i < Number(values.calls); i++) {
        const sentMs = performance.now();
        const outcome = await call();
        tookMs.push(performance.now() - sentMs);
        if (outcome.server === undefined) refused.push(outcome.refused ?? "");
        else given.push(outcome.server);
      }
    }),
  );
  const secs = (performance.now() - startMs) / 1000;
  const { p50, p99, max } = distribution(tookMs);
  const twice = what === "health checks" ? 0 : given.length - new Set(given).size;
  console.log(
    `${what.padEnd(14)} ${secs.toFixed(2)} s for ${tookMs.length} calls (${Math.round(tookMs.length / secs)}/s), ` +
      `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, max ${max.toFixed(1)} ms, ` +
      `${refused.length} refused${refused[0] === undefined ? "" : ` (${refused[0]})`}, ${twice} given twice`,
  );
  tellFigure(what, { ms: secs * 1000, p99Ms: p99, refused: refused.length, twice });
  await Promise.all(callers.map((caller) => caller.close()));
}

/** CPU time of the region's process for calls alone, and its profile where one is asked for. */
type Measured = (name: string, calls: () => Promise<void>) => Promise<void>;

async function measuredIn({ controller }: VirtualRegion, name: string, calls: () => Promise<void>): Promise<void> {
  const { profile } = values;
  if (profile !== undefined) await controller.ask("profile");
  const before = controller.cpuMs();
  await calls();
  const each = ((controller.cpuMs() - before) * 1000) / (Number(values.clients) * Number(values.calls));
  console.log(`${"".padEnd(14)} ${each.toFixed(0)} µs of the region's CPU a call`);
  if (profile !== undefined) await controller.ask("profiled", { file: join(profile, `${name}.cpuprofile`) });
}

async function withRegion(
  folder: string,
  program: string,
  run: (port: number, auth: string, measured: Measured) => Promise<void>,
): Promise<void> {
  const port = await freePort();
  const servers = Number(values.servers);
  const toml = `[allocator]\nport = ${port}\n`;
  const region = await VirtualRegion.start({
    folder,
    program,
    servers,
    seats: 1,
    nodes: Number(values.nodes),
    apart: false,
    toml,
  });
  try {
    await region.untilReady(servers);
    await run(port, `Bearer ${region.token}`, (name, calls) => measuredIn(region, name, calls));
  } finally {
    await region.stop();
  }
}

runInFolder(async (folder) => {
  console.log(machineLine());
  const clients = Array.from({ length: Number(values.clients) });
  const { region: program } = await bundle(folder, { region: "bench/region-program.ts" });
  await withRegion(join(folder, "grpc"), program, async (port, auth, measured) => {
    const healthy = await Promise.all(clients.map(() => healthCaller(port)));
    await measured("health", () => load("health checks", healthy));
    const callers = await Promise.all(clients.map(() => grpcCaller(port, auth)));
    await measured("grpc", () => load("gRPC", callers));
  });
  await withRegion(join(folder, "rest"), program, (port, auth, measured) => {
    const callers = clients.map(() => restCaller(port, auth));
    return measured("rest", () => load("REST", callers));
  });
});
