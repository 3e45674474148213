import type { AgentNode } from "./agent-node";
import { isPrimary, type Ending, type GameServer } from "./game-server";
import type { Isolation } from "./isolation";
import { LONGEST_ISOLATION_MS } from "./node-trouble";
import type { CoreState } from "./state";

/** A node whose servers failed together, kept with the fleets for the next leader. Times in milliseconds since 1970. */
export interface NodeRecord {
  readonly timesIsolated: number;
  readonly lastIsolatedMs: number;
  /** Null where it has been given back: the next time counts as one more. */
  readonly isolation: Pick<Isolation, "sinceMs" | "reason" | "untilMs"> | null;
}

export type NodeRecords = Readonly<Record<string, NodeRecord>>;

/** What still matters of the nodes that this leader knows, and of those that it was told of and has not met. */
export function nodeRecords(s: CoreState): NodeRecords {
  const records = new Map(s.nodesBefore);
  for (const { id, timesIsolated, lastIsolatedMs, isolation } of s.nodes.values()) {
    if (timesIsolated === 0) continue;
    const { sinceMs = 0, reason = "", untilMs = 0 } = isolation ?? {};
    records.set(id, { timesIsolated, lastIsolatedMs, isolation: isolation && { sinceMs, reason, untilMs } });
  }
  return Object.fromEntries([...records].filter(([, record]) => matters(s, record)));
}

/** After so long its node counts as any other, whatever else the record says: nothing is isolated for ever by a mistake in it. */
function matters(s: CoreState, { lastIsolatedMs, isolation }: NodeRecord): boolean {
  return s.nowMs <= Math.max(lastIsolatedMs, Math.min(isolation?.untilMs ?? 0, s.nowMs)) + LONGEST_ISOLATION_MS;
}

/** What the leaders before this one kept of nodes. */
export function onNodesRead(s: CoreState, records: NodeRecords): void {
  s.nodesBefore.clear();
  for (const [nodeId, record] of Object.entries(records)) if (matters(s, record)) s.nodesBefore.set(nodeId, record);
  for (const node of s.nodes.values()) takeUpIsolation(s, node);
}

/** A node that is known by now is isolated as the leader before left it, for the rest of its time. */
export function takeUpIsolation(s: CoreState, node: AgentNode): void {
  const record = s.nodesBefore.get(node.id);
  if (!s.leader || !record) return;
  s.nodesBefore.delete(node.id);
  node.timesIsolated = Math.max(node.timesIsolated, record.timesIsolated);
  node.lastIsolatedMs = Math.max(node.lastIsolatedMs, Math.min(record.lastIsolatedMs, s.nowMs));
  const { isolation } = record;
  // A clock that ran ahead must not make it longer than any isolation is.
  const untilMs = Math.min(isolation?.untilMs ?? 0, s.nowMs + LONGEST_ISOLATION_MS);
  if (!isolation || node.isolation || node.down || untilMs <= s.nowMs || s.settings.health.isolateServers === 0) return;
  node.isolation = {
    sinceMs: Math.min(isolation.sinceMs, s.nowMs),
    reason: isolation.reason,
    untilMs,
    withdrawn: false,
  };
  s.out.push({
    type: "record",
    record: s.records.make(s.nowMs, {
      kind: "failover",
      subject: node.id,
      outcome: `isolated until ${s.out.iso(untilMs)} at the latest, as the leader before left it`,
      reasons: [isolation.reason, `isolated since ${s.out.iso(isolation.sinceMs)}`],
    }),
  });
  for (const server of node.servers) {
    if (isLeft(server)) server.ending = leftEnding(s, server);
    s.reindex(server);
  }
}

/** Closed by an earlier leader, nobody here knows what for: it ends with its players, or when they are moved off an isolated node. */
export function leftEnding(s: CoreState, server: GameServer): Ending {
  const ending = { moveAtMs: Infinity, force: false, moving: false, reason: "closed by an earlier leader" };
  const world = s.fleet(server.experienceId).config?.kind === "world";
  const isolated = s.nodes.get(server.nodeId ?? "")?.isolation && isPrimary(server) && !world;
  return { kind: isolated ? "isolated" : "terminate", ...ending };
}

/** Ends that are asked for here all have a time. */
export function isLeft({ ending }: GameServer): boolean {
  return ending?.kind === "terminate" && ending.moveAtMs === Infinity;
}
