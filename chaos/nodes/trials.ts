import { processTable } from "../../infra/local/process-table";
import type { NodeCluster } from "./cluster";

/** What a trial waits for before it is undone. */
export type Outcome =
  /** The node is given up and everybody on it has another seat. */
  | "moved"
  /** So many milliseconds, after which nobody has been moved. */
  | { readonly heldMs: number };

export interface Trial {
  readonly name: string;
  /** The node that it strikes: one with the leader on it, or the other. */
  readonly on: "leader" | "other";
  readonly until: Outcome;
  /** Whether the node's agent can write and be heard meanwhile. */
  readonly able: boolean;
  /** @returns what undoes it */
  readonly strike: (cluster: NodeCluster, node: string) => Promise<() => Promise<void>>;
}

const PLAYERS = "here";

/** In the order in which they are tried; each begins when all agree again. */
export const TRIALS: readonly Trial[] = [
  { name: "slow node", on: "other", until: { heldMs: 10_000 }, able: true, strike: slow },
  { name: "fill node", on: "other", until: { heldMs: 10_000 }, able: false, strike: fill },
  { name: "kill gate", on: "other", until: { heldMs: 8_000 }, able: true, strike: killGate },
  { name: "kill nomad-server", on: "other", until: { heldMs: 8_000 }, able: true, strike: killServer },
  { name: "cut node", on: "other", until: "moved", able: false, strike: (c, node) => cut(c, node, "both") },
  { name: "mute node", on: "other", until: "moved", able: false, strike: (c, node) => cut(c, node, "from") },
  { name: "part node", on: "other", until: "moved", able: false, strike: part },
  { name: "kill node", on: "other", until: "moved", able: false, strike: killNode },
  { name: "cut leader's node", on: "leader", until: "moved", able: false, strike: (c, node) => cut(c, node, "both") },
  { name: "kill leader's node", on: "leader", until: "moved", able: false, strike: killNode },
];

async function slow({ network }: NodeCluster, node: string): Promise<() => Promise<void>> {
  return network.slow(node);
}

/** The disk with Nomad's data, the tasks' folders and the agent's journal. */
function fill({ disks }: NodeCluster, node: string): Promise<() => Promise<void>> {
  disks.get(node)?.fill();
  return Promise.resolve(() => Promise.resolve(disks.get(node)?.free()));
}

/** Options of Node itself may stand before the script. */
export function isGate(command: readonly string[]): boolean {
  return command.some((argument) => argument.endsWith("/gate.js"));
}

/** Nomad starts it again. */
function killGate(cluster: NodeCluster, node: string): Promise<() => Promise<void>> {
  const { folder } = cluster.machine(node);
  const gate = processTable("NOMAD_ALLOC_DIR").find(
    ({ command, variable }) => isGate(command) && variable?.startsWith(`${folder}/`) === true,
  );
  if (gate === undefined) throw new Error(`no gate was found on ${node}`);
  process.kill(gate.identity.pid, "SIGKILL");
  return Promise.resolve(() => Promise.resolve());
}

async function killServer({ nomadServer }: NodeCluster): Promise<() => Promise<void>> {
  await nomadServer.program.kill();
  return () => Promise.resolve(nomadServer.program.start());
}

async function killNode(cluster: NodeCluster, node: string): Promise<() => Promise<void>> {
  const { program } = cluster.machine(node);
  await program.kill();
  return () => Promise.resolve(program.start());
}

/** No packet gets to anybody from it, nor, unless it is one way only, to it from anybody. */
async function cut({ network }: NodeCluster, node: string, ways: "both" | "from"): Promise<() => Promise<void>> {
  return dropAll(
    network,
    network
      .others(node)
      .flatMap((other) => [[node, other] as const, ...(ways === "both" ? [[other, node] as const] : [])]),
  );
}

/** Players reach it; Nomad, Consul and the other node do not. */
async function part({ network }: NodeCluster, node: string): Promise<() => Promise<void>> {
  const others = network.others(node).filter((other) => other !== PLAYERS);
  return dropAll(
    network,
    others.flatMap((other) => [[node, other] as const, [other, node] as const]),
  );
}

async function dropAll(
  network: NodeCluster["network"],
  lines: readonly (readonly [string, string])[],
): Promise<() => Promise<void>> {
  const undo: (() => Promise<void>)[] = [];
  for (const [from, to] of lines) undo.push(await network.drop(from, to));
  return async () => {
    for (const each of undo) await each();
  };
}
