import { randomUUID } from "node:crypto";
import type { Ack, SeatRequest } from "../../protocol/messages";
import type { Desk, DeskRequest } from "./desk";

/** What the order came to: lines for people, or why it was refused. */
export type OrderOutcome = { readonly ok: boolean; readonly lines: readonly string[] };

interface Order {
  readonly usage: string;
  readonly does: string;
  readonly run: (desk: Desk, words: readonly string[]) => Promise<OrderOutcome>;
}

const LEASE_MS = 30_000;

/** What can be typed while the desk runs: what a region would do to the server. */
const ORDERS: Readonly<Record<string, Order>> = {
  allocate: {
    usage: "allocate [PLAYER…]",
    does: "give it to a match, as an allocation would; with players, prints a ticket for each",
    run: async (desk, players) => {
      const matchId = `match-${randomUUID().slice(0, 8)}`;
      if (players.length === 0) return told(await desk.ask(wholeServer(matchId)), [`allocated: ${matchId}`]);
      return seated(await desk.ask({ kind: "claim", matchId, seats: players.map(seatOf), leaseMs: LEASE_MS }));
    },
  },
  seat: {
    usage: "seat PLAYER…",
    does: "give players seats and print their tickets, good for 30 s",
    run: async (desk, players) =>
      players.length === 0
        ? { ok: false, lines: ["name at least one player"] }
        : seated(await desk.ask({ kind: "grant", seats: players.map(seatOf), leaseMs: LEASE_MS })),
  },
  move: {
    usage: "move PLAYER…",
    does: "tell it that these players sit elsewhere now (Forge's SDK: moved)",
    run: async (desk, playerIds) =>
      told(await desk.ask({ kind: "notice", notice: { kind: "moved", playerIds, reason: "as the desk said" } }), [
        `told: moved ${playerIds.join(" ")}`,
      ]),
  },
  drain: {
    usage: "drain [SECONDS]",
    does: "tell it that nobody new comes and when the last are moved (Forge's SDK: draining)",
    run: async (desk, [seconds = "60"]) => {
      const deadlineMs = Date.now() + Number(seconds) * 1000;
      if (!Number.isFinite(deadlineMs)) return { ok: false, lines: [`${seconds} is no number of seconds`] };
      const notice = { kind: "draining" as const, deadlineMs, reason: "as the desk said" };
      return told(await desk.ask({ kind: "notice", notice }), [`told: draining, ${seconds} s`]);
    },
  },
  stop: {
    usage: "stop",
    does: "tell it that it is about to be stopped (Forge's SDK: stopping; Agones': Shutdown)",
    run: async (desk) =>
      told(await desk.ask({ kind: "notice", notice: { kind: "stopping", graceMs: 10_000 } }), ["told: stopping"]),
  },
  label: {
    usage: "label KEY=VALUE…",
    does: "put labels on it",
    run: async (desk, pairs) => {
      const labels = Object.fromEntries(
        pairs.map((pair) => [pair.split("=", 1)[0] ?? "", pair.split("=").slice(1).join("=")]),
      );
      return told(await desk.ask({ kind: "labels", labels, annotations: {} }), [`labels: ${pairs.join(" ")}`]);
    },
  },
};

export const ORDER_HELP: readonly string[] = [
  ...Object.values(ORDERS).map(({ usage, does }) => `  ${usage.padEnd(20)} ${does}`),
  `  ${"quit".padEnd(20)} end`,
];

/** Carries out one line. */
export async function order(desk: Desk, line: string): Promise<OrderOutcome> {
  const [name = "", ...words] = line.trim().split(/\s+/);
  if (name === "help") return { ok: true, lines: ORDER_HELP };
  const known = Object.hasOwn(ORDERS, name) ? ORDERS[name] : undefined;
  if (!known) return { ok: false, lines: [`there is no order "${name.slice(0, 40)}"; help lists them`] };
  return known.run(desk, words);
}

/** Nobody is named, as Agones' allocations name nobody. */
export function wholeServer(matchId: string): DeskRequest {
  const nothing = { counters: {}, lists: {} };
  const order = { matchId, from: "ready" as const, labels: {}, annotations: {}, require: nothing, change: nothing };
  return { kind: "allocate", order };
}

function seatOf(playerId: string): SeatRequest {
  const carry = {
    experienceId: "desk",
    version: "desk",
    mods: [],
    party: [],
    requestedRegion: undefined,
    latencies: {},
    connectedAtMs: Date.now(),
    matchId: undefined,
  };
  return { sessionId: `session-${randomUUID().slice(0, 8)}`, playerId, generation: 1, carry, restore: undefined };
}

function seated(ack: Ack): OrderOutcome {
  const tickets = ack.ok ? (ack.seats ?? []).map(({ playerId, ticket }) => `ticket of ${playerId}: ${ticket}`) : [];
  return told(ack, tickets);
}

function told(ack: Ack, lines: readonly string[]): OrderOutcome {
  return ack.ok ? { ok: true, lines } : { ok: false, lines: [`refused (${ack.code}): ${ack.detail}`] };
}
