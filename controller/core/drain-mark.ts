import type { Ack, RegionDrain } from "../../protocol/messages";
import type { AgentNode } from "./agent-node";
import { problem } from "./outbox";
import type { CoreState } from "./state";
import { regionView } from "./views";

/**
 * That a region is being drained is kept by its agents, in their journals, so that every leader goes on with it. Whoever asked
 * is answered once they have it: an answer that the next leader knows nothing of would be none.
 */
export interface DrainAsk {
  readonly requestId: number;
  /** Agents that have not answered yet, and that keep it. */
  open: number;
  kept: number;
}

/** Tells every agent that can be asked, and lets the command wait for them. */
export function keepDrain(s: CoreState, requestId: number, drain: RegionDrain): void {
  const ask: DrainAsk = { requestId, open: 0, kept: 0 };
  for (const node of s.nodes.values()) {
    if (!s.usable(node.id)) continue;
    ask.open++;
    send(s, node, drain, ask);
  }
  s.drainAsks.add(ask);
  if (ask.open === 0) settle(s, ask);
}

/** Has an agent that is back keep it, unless it does. */
export function tellDrain(s: CoreState, node: AgentNode): void {
  if (s.drain && s.usable(node.id) && isNewer(s.drain, node.drain)) send(s, node, s.drain, null);
}

/** With its fall a leader forgets what no agent keeps: the next one never hears of it, and whoever asked was refused. */
export function forgetUnkept(s: CoreState): void {
  s.drain = undefined;
  for (const { drain } of s.nodes.values()) if (drain && isNewer(drain, s.drain)) s.drain = drain;
}

export function isNewer(one: RegionDrain, than: RegionDrain | undefined): boolean {
  return !than || one.epoch > than.epoch || (one.epoch === than.epoch && one.atMs > than.atMs);
}

function send(s: CoreState, node: AgentNode, drain: RegionDrain, ask: DrainAsk | null): void {
  s.send(node.id, { kind: "epoch", drain }, { kind: "drain", drain, ask });
}

/** An agent has answered, or never will. */
export function onDrainKept(
  s: CoreState,
  node: AgentNode,
  { drain, ask }: { readonly drain: RegionDrain; readonly ask: DrainAsk | null },
  ack: Ack | undefined,
): void {
  if (ack?.ok) node.drain = drain;
  if (!ask) return;
  ask.open--;
  if (ack?.ok) ask.kept++;
  settle(s, ask);
}

function settle(s: CoreState, ask: DrainAsk): void {
  if (ask.open > 0 || !s.drainAsks.delete(ask)) return;
  if (ask.kept > 0) s.out.reply(ask.requestId, regionView(s));
  else
    s.out.refuse(
      ask.requestId,
      problem(
        "unavailable",
        "it is in force, but no agent of the region could keep it yet, so the next leader may not know; ask again",
        {
          retryAfterSecs: 1,
        },
      ),
    );
}
