import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import { connectNomad } from "../../controller/adapters/nomad/connect-nomad";
import type { NomadEngineConfig } from "../../controller/adapters/nomad/nomad-config";
import type { Engine, EngineServer, ServerLaunch, TaskLaunch } from "../../controller/engine";
import { gameServerJobId, worldVolumeName } from "../../config/region-names";
import { mountsBelow } from "../../infra/local/leftovers";
import { renderJob } from "../../jobs/render";
import { META_OPTIONAL, META_REQUIRED } from "../../jobs/server-environment";
import type { JobSpec } from "../../jobs/spec";
import { systemClock } from "../../protocol/clock";
import { NomadCluster, type NomadClusterOptions } from "../cluster/nomad-node";
import { temporaryFolder } from "./embedded-run";
import type { EngineUnderTest } from "./engine-harness";

export const REGION = "here";
export const NAMESPACE = "games";

/** Experiences of the contract that have the volume `world`. */
const WORLDS = ["kept", "exclusive"];

export interface NomadRun extends EngineUnderTest {
  readonly cluster: NomadCluster;
  readonly warnings: readonly string[];
  reopen(changes?: Partial<NomadEngineConfig>): Promise<Engine>;
}

/** A cluster of its own with an engine on it. */
export async function startNomad(
  nomad: string,
  options: Partial<NomadClusterOptions> = {},
  engineConfig: Partial<NomadEngineConfig> = {},
): Promise<NomadRun> {
  const folder = temporaryFolder();
  const volumes = WORLDS.map((experience) => {
    const path = join(folder, `volume-${experience}`);
    mkdirSync(path);
    return `host_volume "${worldVolumeName(REGION, experience, "world")}" { path = ${JSON.stringify(path)} }`;
  });
  const cluster = await NomadCluster.start({
    nomad,
    folder,
    ...options,
    client: [...volumes, chrootOfProbe(), options.client].join("\n  "),
  });
  await cluster.call("PUT", `/v1/namespace/${NAMESPACE}`, { Name: NAMESPACE });
  const warnings: string[] = [];
  const reopen = async (changes: Partial<NomadEngineConfig> = {}) =>
    deploying(
      cluster,
      await connectNomad(
        {
          kind: "nomad",
          address: cluster.address,
          namespace: NAMESPACE,
          publicAddress: "auto",
          purgeAfterSecs: 600,
          ...engineConfig,
          ...changes,
        },
        {
          region: REGION,
          clock: systemClock,
          random: Math.random,
          log: { info: () => undefined, warn: (_: unknown, message?: string) => void warnings.push(message ?? "") },
        },
      ),
    );
  const engine = await reopen();
  const close = async () => {
    await engine.close();
    await endServers(cluster);
    await cluster.stop();
    // A client that is stopped leaves its allocations' folders mounted, for the next one.
    for (const mount of mountsBelow(folder)) execFileSync("umount", [mount]);
    rmSync(folder, { recursive: true, force: true });
  };
  return { engine, folder, cluster, warnings, reopen, close, processesOf };
}

/** Stops every server; tasks would outlive their node's Nomad. */
async function endServers(cluster: NomadCluster): Promise<void> {
  const jobs = await cluster.call<readonly { readonly ID: string }[]>("GET", `/v1/jobs?namespace=${NAMESPACE}`);
  for (const { ID } of jobs.filter(({ ID }) => ID.includes("/dispatch-")))
    await cluster.call("DELETE", `/v1/job/${encodeURIComponent(ID)}?namespace=${NAMESPACE}`);
  for (;;) {
    const left = await cluster.call<readonly { readonly ID: string; readonly ClientStatus: string }[]>(
      "GET",
      `/v1/allocations?namespace=${NAMESPACE}`,
    );
    const running = left.filter(({ ClientStatus }) => ClientStatus === "running" || ClientStatus === "pending");
    if (running.length === 0) return;
    await Promise.allSettled(
      running.map(({ ID }) =>
        cluster.call("PUT", `/v1/client/allocation/${ID}/signal?namespace=${NAMESPACE}`, { Signal: "SIGKILL" }),
      ),
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/**
 * On Nomad a server is started from a job that was deployed before. The contract's launches differ from each other, so
 * here each is deployed just before it is started, one at a time.
 */
export function deploying(cluster: NomadCluster, engine: Engine): Engine {
  let turn = Promise.resolve();
  const start = (launch: ServerLaunch): Promise<void> => {
    const started = turn.then(async () => {
      await deploy(cluster, launch);
      await engine.start(launch);
    });
    turn = started.catch(() => undefined);
    return started;
  };
  return new Proxy(engine, {
    get: (target, key) => {
      if (key === "start") return start;
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  });
}

/** Registers the job that this launch is dispatched from. */
export async function deploy(cluster: NomadCluster, launch: ServerLaunch): Promise<void> {
  await cluster.call("PUT", "/v1/jobs", renderJob(jobOf(launch)));
}

function jobOf(launch: ServerLaunch): JobSpec {
  const { region, experienceId, tasks, ports, volumes, stop, meta } = launch;
  const id = gameServerJobId(region, experienceId);
  const own = Object.keys(meta).filter((key) => ![...META_REQUIRED, ...META_OPTIONAL].some((known) => known === key));
  const optional = [...META_OPTIONAL, ...own];
  return {
    id,
    type: "batch",
    namespace: NAMESPACE,
    datacenters: ["dc1"],
    meta: { region, ...Object.fromEntries(optional.map((key) => [key, ""])) },
    parameterized: { metaRequired: META_REQUIRED, metaOptional: optional },
    groups: [
      {
        name: "primary",
        count: 1,
        network: { mode: "host", ports: ports.map(({ name, static: fixed }) => ({ label: name, static: fixed })) },
        restart: { attempts: 0, mode: "fail" },
        reschedule: { attempts: 0, unlimited: false },
        disconnect: { lostAfterSecs: 600, replace: false, reconcile: "keep_original" },
        diskMb: 100,
        volumes: Object.entries(volumes).map(([name, destination]) => ({
          name,
          source: worldVolumeName(region, experienceId, name),
          destination,
        })),
        tasks: tasks.map((task, index) => ({
          name: task.name,
          driver: driverOf(task, launch),
          config: programOf(task),
          env: { ...environmentOf(launch), ...task.env },
          resources: { cpu: task.cpu, cores: undefined, memory: task.memory },
          logs: { maxFiles: 2, maxFileSizeMb: 10 },
          killSignal: stop.signal,
          killTimeoutSecs: stop.graceSecs,
          leader: index === 0,
          volumes: index === 0 ? Object.keys(volumes) : [],
        })),
      },
    ],
  };
}

/** Nomad mounts no volume for `raw_exec`. */
function driverOf({ driver }: TaskLaunch, { volumes }: ServerLaunch): TaskLaunch["driver"] {
  return driver === "raw_exec" && Object.keys(volumes).length > 0 ? "exec" : driver;
}

/** All that the probe server needs to run, so that `exec` copies that and not the whole system for each task. */
function chrootOfProbe(): string {
  const libraries = execFileSync("ldd", [process.execPath], { encoding: "utf8" }).match(/\/\S+/g) ?? [];
  const files = [process.execPath, ...libraries, join(__dirname, "probe-server.cjs")];
  return `chroot_env { ${files.map((file) => `${JSON.stringify(realpathSync(file))} = ${JSON.stringify(file)}`).join("\n    ")} }`;
}

/** The embedded engine runs scripts by Node; a driver runs what it is told. */
function programOf({ command = "", args }: TaskLaunch): { readonly command: string; readonly args: readonly string[] } {
  return command.endsWith(".cjs") ? { command: process.execPath, args: [command, ...args] } : { command, args };
}

/** What `jobs/server-environment.ts` writes into a real job. */
function environmentOf({ region, ports, volumes }: ServerLaunch): Record<string, string> {
  return {
    FORGE_SERVER_ID: "${NOMAD_META_serverId}",
    FORGE_ALLOCATION_ID: "${NOMAD_ALLOC_ID}",
    FORGE_REGION: region,
    FORGE_EXPERIENCE: "${NOMAD_META_experienceId}",
    FORGE_VERSION: "${NOMAD_META_version}",
    FORGE_ROLE: "${NOMAD_META_role}",
    FORGE_MAX_PLAYERS: "${NOMAD_META_maxPlayers}",
    FORGE_SDK_URL: "http://127.0.0.1:${NOMAD_PORT_sdk}",
    FORGE_SDK_TOKEN: "${NOMAD_META_sdkToken}",
    ...Object.fromEntries(ports.map(({ name }) => [`FORGE_PORT_${name.toUpperCase()}`, `\${NOMAD_PORT_${name}}`])),
    // The driver mounts no volume: the folder itself is told.
    ...Object.fromEntries(Object.entries(volumes).map(([name, path]) => [`FORGE_VOLUME_${name.toUpperCase()}`, path])),
  };
}

/** The first process of each task of a server. */
function processesOf(server: EngineServer): Record<string, number> {
  const found: Record<string, number> = {};
  for (const pid of readdirSync("/proc")
    .map(Number)
    .filter(Number.isInteger)
    .sort((a, b) => a - b)) {
    const environment = environmentOfProcess(pid);
    if (environment.get("NOMAD_ALLOC_ID") !== server.allocationId) continue;
    found[environment.get("NOMAD_TASK_NAME") ?? ""] ??= pid;
  }
  return found;
}

function environmentOfProcess(pid: number): Map<string, string> {
  try {
    const lines = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    return new Map(lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
  } catch {
    return new Map();
  }
}
