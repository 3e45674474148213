import type { Advice, ChainSeen, CountSeen, ChainVerdict } from "./chain";
import type { FleetStatus } from "./decision";
import type { Fleet } from "./fleet";
import { seatsHeld, type GameServer } from "./game-server";
import type { Input } from "./input";
import { takesPlayers } from "./lifecycle";
import type { CoreState } from "./state";

/** Counts are looked at so often at most, in milliseconds: each look costs the number of servers. */
const COUNTS_MS = 100;
/** A webhook that has not answered after so long is asked again; the shell gives up on it long before. */
const FORGOTTEN_MS = 90_000;

/** What the chain of a fleet's policies may look at. */
export function chainSeen(fleet: Fleet): ChainSeen {
  return {
    have: fleet.index.usable + fleet.starting + fleet.suspect,
    counts: (kind, key) => countsOf(fleet, kind, key),
    advice: (url) => fleet.advice.get(url),
    unheard: (url) => (fleet.unheard.has(url) ? fleet.found : 0),
  };
}

function countsOf(fleet: Fleet, kind: "counter" | "list", key: string): CountSeen {
  let [count, capacity, servers] = [0, 0, 0];
  for (const server of fleet.servers) {
    const there = takesPlayers(server.state) && server.closing === "open" ? counted(server, kind, key) : undefined;
    if (!there) continue;
    count += there.count;
    capacity += there.capacity;
    servers++;
  }
  const { config } = fleet;
  const fresh = (kind === "counter" ? config?.counters : config?.lists)?.[key]?.capacity ?? 1;
  const perServer = servers > 0 && capacity > 0 ? capacity / servers : fresh;
  return { count, capacity, perServer, coming: (fleet.starting + fleet.suspect) * perServer };
}

function counted(
  { counters, lists }: GameServer,
  kind: "counter" | "list",
  key: string,
): { readonly count: number; readonly capacity: number } | undefined {
  if (kind === "counter") return Object.hasOwn(counters, key) ? counters[key] : undefined;
  const list = Object.hasOwn(lists, key) ? lists[key] : undefined;
  return list && { count: list.values.length, capacity: list.capacity };
}

/** A server's counters or lists have changed: the chain may say something else now. */
export function noteCounts(s: CoreState, fleet: Fleet): void {
  if (fleet.countsChanged || !fleet.policy.chain.some(({ counter, list }) => counter ?? list)) return;
  const dueMs = fleet.evaluatedMs + COUNTS_MS;
  const look = (): void => {
    fleet.countsChanged = true;
    s.dirty.add(fleet);
  };
  if (dueMs <= s.nowMs) look();
  else s.timers.at(dueMs, look);
}

/** Asks the webhooks that the chain came to, each at most once at a time. */
export function consult(s: CoreState, fleet: Fleet, { consult: webhooks }: ChainVerdict): void {
  for (const webhook of webhooks) {
    const asked = fleet.consulted.get(webhook.url);
    const ago = s.nowMs - (asked?.askedMs ?? -Infinity);
    if (ago < s.settings.scalingIntervalSecs * 1000 || (asked?.open && ago < FORGOTTEN_MS)) continue;
    fleet.consulted.set(webhook.url, { askedMs: s.nowMs, open: true, failure: asked?.failure ?? null });
    s.out.push({ type: "consult", experienceId: fleet.id, webhook, fleet: statusOf(fleet) });
  }
}

export function takeAdvice(s: CoreState, { experienceId, url, answer }: Extract<Input, { type: "advice" }>): void {
  const fleet = s.fleets.get(experienceId);
  const asked = fleet?.consulted.get(url);
  if (!fleet || !asked) return;
  asked.open = false;
  asked.failure = "failure" in answer ? answer.failure : null;
  if ("failure" in answer) return;
  const before: Advice | undefined = fleet.advice.get(url);
  fleet.advice.set(url, { ...answer, atMs: s.nowMs });
  fleet.unheard.delete(url);
  if (before?.scale === answer.scale && before.replicas === answer.replicas) return;
  s.keepDue = true;
  fleet.countsChanged = true;
  s.dirty.add(fleet);
}

function statusOf(fleet: Fleet): FleetStatus {
  const states = { ready: 0, reserved: 0, allocated: 0 };
  let players = 0;
  for (const server of fleet.servers) {
    players += seatsHeld(server);
    if (server.state in states) states[server.state as keyof typeof states]++;
  }
  const sums = (kind: "counter" | "list", keys: object | undefined): FleetStatus["counters"] =>
    Object.fromEntries(
      Object.keys(keys ?? {}).map((key) => {
        const { count, capacity } = countsOf(fleet, kind, key);
        return [key, { count, capacity }];
      }),
    );
  return {
    replicas: fleet.servers.size,
    readyReplicas: states.ready,
    reservedReplicas: states.reserved,
    allocatedReplicas: states.allocated,
    players,
    queued: fleet.line.players,
    counters: sums("counter", fleet.config?.counters),
    lists: sums("list", fleet.config?.lists),
  };
}
