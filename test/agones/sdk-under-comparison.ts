import { once } from "node:events";
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Desk } from "../../cli/sdk-local/desk";
import { DEFAULT_SERVER } from "../../cli/sdk-local/game-server-file";
import { freePorts } from "../../protocol/free-ports";
import { systemClock } from "../../protocol/clock";
import { KubernetesDouble } from "./kubernetes-double";

/** An SDK server with one game server, to be asked the same as another. */
export interface SdkUnderComparison {
  readonly grpcPort: number;
  readonly httpPort: number;
  stop(): Promise<void>;
}

export interface ComparedHealth {
  readonly periodSeconds: number;
  readonly failureThreshold: number;
}

const HEALTH: ComparedHealth = { periodSeconds: 5, failureThreshold: 3 };
const COUNTERS = DEFAULT_SERVER.counters;
const LISTS = { players: { capacity: 1000, values: ["test0", "test1", "test2"] } };

/** Gate and agent as on a node; see `Desk`. */
export async function forgeSdk(health = HEALTH): Promise<SdkUnderComparison> {
  const [grpcPort = 0, httpPort = 0] = await freePorts(2);
  const server = {
    ...DEFAULT_SERVER,
    name: "s1",
    uid: "u1",
    labels: { "agones.dev/fleet": "arena" },
    annotations: {},
    health: { disabled: false, ...health },
    ports: { game: 7654 },
    lists: LISTS,
  };
  const desk = await Desk.start({
    server,
    grpcPort,
    httpPort,
    token: "t",
    seats: "match",
    maxPlayers: 16,
    version: "0.0.0",
    clock: systemClock,
  });
  return { grpcPort, httpPort, stop: () => desk.close() };
}

/**
 * Agones' SDK server as it stands beside each of its game servers, unmodified; only Kubernetes' API is a double.
 * @param program `agones-sdk-server`
 */
export async function agonesSdk(program: string, health = HEALTH): Promise<SdkUnderComparison> {
  const [grpcPort = 0, httpPort = 0, healthPort = 0] = await freePorts(3);
  const kubernetes = await KubernetesDouble.start(gameServer(health));
  const folder = mkdtempSync(join(tmpdir(), "forge-agones-"));
  const kubeconfig = join(folder, "kubeconfig");
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "double", cluster: { server: kubernetes.url } }],
      users: [{ name: "sidecar", user: {} }],
      contexts: [{ name: "double", context: { cluster: "double", user: "sidecar" } }],
      "current-context": "double",
    }),
  );
  const child = spawn(program, [
    ...["--kubeconfig", kubeconfig, "--gameserver-name", "s1", "--pod-namespace", "default"],
    ...["--address", "127.0.0.1", "--grpc-port", String(grpcPort), "--http-port", String(httpPort)],
    ...["--health-port", String(healthPort), "--feature-gates", "PlayerTracking=true", "--graceful-termination=false"],
  ]);
  child.stdout.resume();
  child.stderr.resume();
  await untilAnswers(child, httpPort);
  // As the kubelet does: with its first look the watching of Health begins.
  const probe = setInterval(() => {
    void fetch(`http://127.0.0.1:${healthPort}/gshealthz`).catch(() => undefined);
  }, health.periodSeconds * 1000);
  return {
    grpcPort,
    httpPort,
    stop: async () => {
      clearInterval(probe);
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      await kubernetes.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

async function untilAnswers(child: ChildProcess, port: number): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`agones-sdk-server ended with ${child.exitCode}`);
    const answer = await fetch(`http://127.0.0.1:${port}/gameserver`).catch(() => undefined);
    if (answer?.ok === true) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function gameServer(health: ComparedHealth): Record<string, unknown> {
  const spec = {
    container: "server",
    ports: [{ name: "game", portPolicy: "Dynamic", containerPort: 7000, hostPort: 7654, protocol: "UDP" }],
    health: { ...health, initialDelaySeconds: 0 },
    counters: COUNTERS,
    lists: LISTS,
    template: { spec: { containers: [{ name: "server", image: "server" }] } },
  };
  return {
    kind: "GameServer",
    apiVersion: "agones.dev/v1",
    metadata: {
      name: "s1",
      namespace: "default",
      uid: "u1",
      generation: 1,
      creationTimestamp: "2026-01-01T00:00:00Z",
      labels: { "agones.dev/fleet": "arena" },
      annotations: {},
    },
    spec,
    status: {
      state: "Scheduled",
      address: "127.0.0.1",
      addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
      nodeName: "node",
      ports: [{ name: "game", port: 7654 }],
      counters: COUNTERS,
      lists: LISTS,
      players: { count: 0, capacity: 0, ids: [] },
    },
  };
}
