/**
 * What Nomad itself costs for each game server, PSS: its log collector, its executor, and what its client grows by; with
 * its log collection on and off, for each driver. Forge's programs come on top: see run-memory.ts. It starts its own
 * Nomad, server and client. Linux only.
 *
 *   npx tsx bench/nomad-memory.ts [--count 20] [--drivers raw_exec,exec]
 *
 * Needs root, and nomad on PATH or in Forge's cache.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { NomadCluster } from "../test/cluster/nomad-node";
import { findPart } from "../test/cluster/real-parts";
import { memoryOf } from "./child-program";
import { machineLine } from "./machine";

const SETTLE_MS = 5000;

interface Kind {
  readonly name: string;
  readonly matches: (command: string) => boolean;
}

/** What runs below Nomad's client, by command line. */
const KINDS: readonly Kind[] = [
  { name: "log collector", matches: (command) => /\bnomad\0logmon\b/.test(command) },
  { name: "executor", matches: (command) => /\bnomad\0executor\b/.test(command) },
  { name: "docker logger", matches: (command) => /\bnomad\0docker_logger\b/.test(command) },
  { name: "game server", matches: (command) => command.startsWith("/bin/sleep\0") },
  { name: "Nomad's client", matches: (command) => /\bagent\0-config\0[^\0]*client/.test(command) },
];

/** MiB of each kind, and how many processes it is. */
function weigh(folder: string): ReadonlyMap<string, { readonly processes: number; readonly pss: number }> {
  const found = new Map(KINDS.map(({ name }) => [name, { processes: 0, pss: 0 }]));
  for (const pid of readdirSync("/proc").map(Number).filter(Number.isInteger)) {
    try {
      const text = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
      if (!text.includes(folder) && !environment.includes(MARK)) continue;
      const kind = KINDS.find(({ matches }) => matches(text));
      const of = kind && found.get(kind.name);
      if (kind === undefined || of === undefined) continue;
      found.set(kind.name, { processes: of.processes + 1, pss: of.pss + memoryOf(pid).pss });
    } catch {
      // Gone meanwhile.
    }
  }
  return found;
}

/** Nomad's client, and all that it starts, has it in its environment. */
const MARK = `FORGE_BENCH=nomad-memory-${process.pid}`;

function jobOf(driver: string, count: number, logs: boolean): unknown {
  const task = {
    Name: "server",
    Driver: driver,
    Config: { command: "/bin/sleep", args: ["3600"] },
    Resources: { CPU: 10, MemoryMB: 16 },
    Env: { FORGE_BENCH: MARK.slice(MARK.indexOf("=") + 1) },
    LogConfig: { MaxFiles: 1, MaxFileSizeMB: 1, Disabled: !logs },
    KillTimeout: 1_000_000_000,
  };
  const group = { Name: "primary", Count: count, EphemeralDisk: { SizeMB: 30 }, Tasks: [task] };
  return { Job: { ID: "servers", Type: "service", Datacenters: ["dc1"], TaskGroups: [group] } };
}

async function measure(cluster: NomadCluster, folder: string, driver: string, count: number, logs: boolean) {
  const before = weigh(folder).get("Nomad's client")?.pss ?? NaN;
  await cluster.call("PUT", "/v1/jobs", jobOf(driver, count, logs));
  const statuses = async () =>
    (await cluster.call<readonly { readonly ClientStatus: string }[]>("GET", "/v1/job/servers/allocations")).map(
      ({ ClientStatus }) => ClientStatus,
    );
  while ((await statuses()).filter((status) => status === "running").length < count) await rest(200);
  await rest(SETTLE_MS);
  const kinds = weigh(folder);
  console.log(`\n${driver}, ${count} servers, log collection ${logs ? "on" : "off"}: MiB PSS a server`);
  let sum = 0;
  for (const [name, { processes, pss }] of kinds) {
    const each = (name === "Nomad's client" ? pss - before : pss) / count;
    if (processes === 0) continue;
    sum += each;
    console.log(`  ${name.padEnd(16)} ${each.toFixed(2).padStart(6)}  (${processes} processes)`);
  }
  console.log(`  ${"all".padEnd(16)} ${sum.toFixed(2).padStart(6)}`);
  await cluster.call("DELETE", "/v1/job/servers?purge=true");
  while ((weigh(folder).get("game server")?.processes ?? 0) > 0) await rest(200);
  await rest(SETTLE_MS);
}

function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** All that the server needs, so that `exec` copies no more for each task. */
function chroot(): string {
  const libraries = execFileSync("ldd", ["/bin/sleep"], { encoding: "utf8" }).match(/\/\S+/g) ?? [];
  const lines = ["/bin/sleep", ...new Set(libraries)].map(
    (file) => `${JSON.stringify(realpathSync(file))} = ${JSON.stringify(file)}`,
  );
  return `chroot_env {\n    ${lines.join("\n    ")}\n  }`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { count: { type: "string" }, drivers: { type: "string" } } });
  const count = Number(values.count ?? 20);
  const nomad = findPart("nomad");
  if (nomad === undefined || process.getuid?.() !== 0)
    throw new Error("needs root, and nomad on PATH or in Forge's cache");
  console.log(`${machineLine()}; ${execFileSync(nomad, ["version"], { encoding: "utf8" }).split("\n")[0] ?? ""}`);
  const folder = mkdtempSync(join(tmpdir(), "forge-nomad-memory-"));
  process.env["FORGE_BENCH"] = MARK.slice(MARK.indexOf("=") + 1);
  const cluster = await NomadCluster.start({ nomad, folder, client: chroot() });
  try {
    for (const driver of (values.drivers ?? "raw_exec,exec").split(","))
      for (const logs of [true, false]) await measure(cluster, folder, driver, count, logs);
  } finally {
    await cluster.call("DELETE", "/v1/job/servers?purge=true").catch(() => undefined);
    await rest(3000);
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

void main();
