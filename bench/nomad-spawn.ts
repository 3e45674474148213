/**
 * How long from asking the Nomad engine for a server to that server's first word, beside a plain dispatch of the same job
 * in the same run, per driver; one after the other in turns, then all at once. It starts its own Nomad, server and client.
 *
 *   npx tsx bench/nomad-spawn.ts [--count 30] [--drivers raw_exec,exec]
 *
 * Needs root, and nomad on PATH or in Forge's cache.
 */
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { gameServerJobId } from "../config/region-names";
import { connectNomad } from "../controller/adapters/nomad/connect-nomad";
import type { Engine, ServerLaunch } from "../controller/engine";
import { renderJob } from "../jobs/render";
import { META_OPTIONAL, META_REQUIRED } from "../jobs/server-environment";
import type { JobSpec } from "../jobs/spec";
import { systemClock } from "../protocol/clock";
import { NomadCluster } from "../test/cluster/nomad-node";
import { findPart } from "../test/cluster/real-parts";
import { distribution } from "./distribution";
import { tellFigure } from "./figure";
import { machineLine } from "./machine";

const REGION = "bench";
const NAMESPACE = "games";
type Driver = "raw_exec" | "exec";

/** Hears the first words of all servers on one port: a chroot hides files, and not the network. */
class Ear {
  private readonly waiting = new Map<string, (atMs: number) => void>();
  private constructor(private readonly server: Server) {}

  static async open(): Promise<Ear> {
    const server = createServer((socket) => {
      socket.on("error", () => socket.destroy());
      socket.on("data", (data) => ear.waiting.get(data.toString().trim())?.(performance.now()));
    });
    const ear = new Ear(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return ear;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  word(id: string): Promise<number> {
    return new Promise((resolve) => this.waiting.set(id, resolve));
  }

  close(): void {
    this.server.close();
  }
}

/** Starts the server with this id. */
type Start = (id: string) => Promise<unknown>;

async function took(ear: Ear, start: Start): Promise<number> {
  const id = `b-${randomUUID().slice(0, 8)}`;
  const heard = ear.word(id);
  const from = performance.now();
  await start(id);
  return (await heard) - from;
}

async function burst(
  ear: Ear,
  start: Start,
  count: number,
): Promise<{ readonly tookMs: number[]; readonly perSecond: number }> {
  const from = performance.now();
  const tookMs = await Promise.all(Array.from({ length: count }, () => took(ear, start)));
  return { tookMs, perSecond: (count * 1000) / (performance.now() - from) };
}

async function measure(cluster: NomadCluster, engine: Engine, ear: Ear, driver: Driver, count: number): Promise<void> {
  const experienceId = driver.replace("_", "-");
  await cluster.call("PUT", "/v1/jobs", renderJob(jobOf(experienceId, driver, ear.port)));
  const byEngine: Start = (id) => engine.start(launchOf(experienceId, id));
  const plain: Start = (id) => {
    const Meta = { serverId: id, experienceId, version: "1", role: "server", maxPlayers: "0" };
    const path = `/v1/job/${gameServerJobId(REGION, experienceId)}/dispatch?namespace=${NAMESPACE}`;
    return cluster.call("PUT", path, { Meta });
  };
  await took(ear, byEngine);
  await took(ear, plain);
  const alone = { engine: [] as number[], plain: [] as number[] };
  // In turns, so that what else the machine does meets both alike.
  for (let turn = 0; turn < count; turn++) {
    alone.engine.push(await took(ear, byEngine));
    alone.plain.push(await took(ear, plain));
    if (turn % 10 === 9) await endAll(cluster);
  }
  await endAll(cluster);
  print(`${driver}, one after the other`, alone.engine, alone.plain);
  const together = await burst(ear, byEngine, count);
  await endAll(cluster);
  const togetherPlain = await burst(ear, plain, count);
  await endAll(cluster);
  print(`${driver}, ${count} at once`, together.tookMs, togetherPlain.tookMs);
  const share = together.perSecond / togetherPlain.perSecond;
  const { p50, p99 } = distribution(alone.engine);
  tellFigure(driver, { p50Ms: p50, p99Ms: p99, startedShare: share });
  console.log(
    `  up a second: engine ${together.perSecond.toFixed(1)}, plain ${togetherPlain.perSecond.toFixed(1)}, ratio ${share.toFixed(2)}`,
  );
}

function print(title: string, engine: readonly number[], plain: readonly number[]): void {
  const [a, b] = [distribution(engine), distribution(plain)];
  const row = (name: string, d: typeof a) =>
    `  ${name.padEnd(16)} p50 ${d.p50.toFixed(0).padStart(5)} ms  p99 ${d.p99.toFixed(0).padStart(5)} ms  max ${d.max.toFixed(0).padStart(5)} ms  (${d.count})`;
  console.log(
    `${title}\n${row("engine", a)}\n${row("plain dispatch", b)}\n  ratio of p50: ${(a.p50 / b.p50).toFixed(2)}`,
  );
}

function launchOf(experienceId: string, serverId: string): ServerLaunch {
  const stop = { command: undefined, signal: "SIGTERM" as const, graceSecs: 1 };
  const meta = { maxPlayers: "0" };
  return {
    serverId,
    region: REGION,
    experienceId,
    version: "1",
    role: "server",
    tasks: [],
    ports: [],
    volumes: {},
    stop,
    avoidNodes: [],
    meta,
  };
}

function jobOf(experienceId: string, driver: Driver, port: number): JobSpec {
  const script = `exec 3<>/dev/tcp/127.0.0.1/${port}; echo "$NOMAD_META_serverId" >&3; exec sleep 600`;
  return {
    id: gameServerJobId(REGION, experienceId),
    type: "batch",
    namespace: NAMESPACE,
    datacenters: ["dc1"],
    meta: { region: REGION, ...Object.fromEntries(META_OPTIONAL.map((key) => [key, ""])) },
    parameterized: { metaRequired: META_REQUIRED, metaOptional: META_OPTIONAL },
    groups: [
      {
        name: "primary",
        count: 1,
        network: { mode: "host", ports: [{ label: "game", static: undefined }] },
        restart: { attempts: 0, mode: "fail" },
        reschedule: { attempts: 0, unlimited: false },
        disconnect: { lostAfterSecs: 600, replace: false, reconcile: "keep_original" },
        diskMb: 30,
        volumes: [],
        tasks: [
          {
            name: "server",
            driver,
            config: { command: "/bin/bash", args: ["-c", script] },
            env: {},
            resources: { cpu: 10, cores: undefined, memory: 16 },
            logs: { maxFiles: 1, maxFileSizeMb: 1 },
            killSignal: "SIGKILL",
            killTimeoutSecs: 1,
            leader: true,
            volumes: [],
          },
        ],
      },
    ],
  };
}

/** All that the server needs, so that `exec` copies that for each task and not the whole system. */
function chroot(): string {
  const programs = ["/bin/bash", "/bin/sleep"];
  const libraries = programs.flatMap(
    (program) => execFileSync("ldd", [program], { encoding: "utf8" }).match(/\/\S+/g) ?? [],
  );
  const lines = [...new Set([...programs, ...libraries])].map(
    (file) => `${JSON.stringify(realpathSync(file))} = ${JSON.stringify(file)}`,
  );
  return `chroot_env {\n    ${lines.join("\n    ")}\n  }`;
}

async function endAll(cluster: NomadCluster): Promise<void> {
  const namespace = `namespace=${NAMESPACE}`;
  const jobs = await cluster.call<readonly { readonly ID: string }[]>("GET", `/v1/jobs?${namespace}`);
  for (const { ID } of jobs.filter(({ ID }) => ID.includes("/dispatch-")))
    await cluster.call("DELETE", `/v1/job/${encodeURIComponent(ID)}?${namespace}`);
  const running = async () =>
    (await cluster.call<readonly { readonly ClientStatus: string }[]>("GET", `/v1/allocations?${namespace}`)).some(
      ({ ClientStatus }) => ClientStatus === "running" || ClientStatus === "pending",
    );
  while (await running()) await new Promise((resolve) => setTimeout(resolve, 100));
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { count: { type: "string" }, drivers: { type: "string" } } });
  const count = Number(values.count ?? 30);
  const drivers = (values.drivers ?? "raw_exec,exec").split(",") as Driver[];
  const nomad = findPart("nomad");
  if (nomad === undefined || process.getuid?.() !== 0)
    throw new Error("needs root, and nomad on PATH or in Forge's cache");
  console.log(`npx tsx bench/nomad-spawn.ts --count ${count} --drivers ${drivers.join(",")}`);
  console.log(`${machineLine()}; ${execFileSync(nomad, ["version"], { encoding: "utf8" }).split("\n")[0] ?? ""}`);
  const folder = mkdtempSync(join(tmpdir(), "forge-nomad-bench-"));
  const cluster = await NomadCluster.start({ nomad, folder, client: chroot() });
  const ear = await Ear.open();
  const config = {
    kind: "nomad",
    address: cluster.address,
    namespace: NAMESPACE,
    publicAddress: "auto",
    purgeAfterSecs: 600,
  } as const;
  const log = { info: () => undefined, warn: (_: unknown, message?: string) => console.error(message) };
  const engine = await connectNomad(config, { region: REGION, clock: systemClock, random: Math.random, log });
  try {
    await cluster.call("PUT", `/v1/namespace/${NAMESPACE}`, { Name: NAMESPACE });
    await engine.list();
    for (const driver of drivers) await measure(cluster, engine, ear, driver, count);
  } finally {
    await endAll(cluster).catch(() => undefined);
    await engine.close();
    ear.close();
    await cluster.stop();
    const mounts = readFileSync("/proc/mounts", "utf8")
      .split("\n")
      .map((line) => line.split(" ")[1] ?? "");
    for (const mount of mounts.filter((path) => path.startsWith(folder)).reverse()) execFileSync("umount", [mount]);
    rmSync(folder, { recursive: true, force: true });
  }
}

void main();
