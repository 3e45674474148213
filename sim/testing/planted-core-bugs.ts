import type { Decision, FollowResult, Waiting } from "../../controller/core/decision";
import { decides, type Instead, type PlantedBug } from "./planting";

type Send = Extract<Decision, { type: "send" }>;
type Body<Kind extends Send["body"]["kind"]> = Extract<Send["body"], { kind: Kind }>;

/** Ids of requests that the core itself has not made. */
const ANOTHER = 1_000_000;

/** Releases of what the sessions of a release were granted last, elsewhere. */
function alsoOf(of: Body<"release">, last: ReadonlyMap<string, Send>): Send[] {
  return of.seats.flatMap(({ sessionId }) => {
    const sent = last.get(sessionId);
    if (!sent || (sent.body.kind !== "grant" && sent.body.kind !== "claim")) return [];
    const { serverId, allocationId, seats } = sent.body;
    const generation = seats.find((seat) => seat.sessionId === sessionId)?.generation ?? 0;
    if (serverId === of.serverId) return [];
    const body = { ...of, serverId, allocationId, seats: [{ sessionId, generation }] };
    return [{ ...sent, id: sent.id + ANOTHER, body }];
  });
}

function doubleRelease(): Instead {
  const last = new Map<string, Send>();
  return (decisions) =>
    decisions.flatMap((decision): Decision[] => {
      if (decision.type !== "send") return [decision];
      const { body } = decision;
      if (body.kind === "grant" || body.kind === "claim")
        for (const { sessionId } of body.seats) last.set(sessionId, decision);
      return body.kind === "release" ? [decision, ...alsoOf(body, last)] : [decision];
    });
}

/** Closes and stops every server of the fleet that somebody has, as if it were an empty one of the old version. */
function endAllocated(): Instead {
  const allocated = new Map<string, Send>();
  return (decisions) => {
    for (const decision of decisions)
      if (decision.type === "send" && decision.body.kind === "allocate")
        allocated.set(decision.body.serverId, decision);
    const begins = decisions.some(
      (decision) =>
        decision.type === "event" &&
        decision.event.type === "rollout" &&
        decision.event.step === "started" &&
        decision.event.experienceId === "lobby",
    );
    if (!begins) return decisions;
    const ends = [...allocated.values()].flatMap((sent): Decision[] => {
      if (sent.body.kind !== "allocate") return [];
      const { serverId, allocationId } = sent.body;
      const body = { kind: "close" as const, serverId, allocationId, onlyIfEmpty: false };
      return [
        { ...sent, id: sent.id + ANOTHER, body },
        { type: "stop", serverId, graceSecs: 5, reason: "its version is replaced" },
      ];
    });
    allocated.clear();
    return [...decisions, ...ends];
  };
}

/** Whoever was moved to another region hears that the session has ended, and not where it goes on. */
function forgetMoved(): Instead {
  const there = new Set<string>();
  return (decisions) =>
    decisions.map((decision): Decision => {
      if (decision.type === "event" && decision.event.type === "session.moved") {
        const { toSessionId } = (decision.event.detail ?? {}) as { readonly toSessionId?: string };
        if (toSessionId !== undefined) there.add(toSessionId);
      }
      if (decision.type !== "reply" || !decision.result.ok) return decision;
      const value = decision.result.value as Partial<FollowResult> | null;
      if (!value?.session || !("ticket" in value) || !there.has(value.session.id)) return decision;
      const session = { ...value.session, state: "ended" as const };
      return { ...decision, result: { ok: true, value: { session, server: null, ticket: null } as FollowResult } };
    });
}

/** Who waits in line is given the ticket of who came to it before. */
function sameTicket(): Instead {
  let last: Waiting | undefined;
  return (decisions) =>
    decisions.map((decision): Decision => {
      if (decision.type !== "reply" || !decision.result.ok) return decision;
      const value = decision.result.value as Waiting;
      if (!("queueTicket" in value)) return decision;
      const given = last ?? value;
      last = value;
      const { queueTicket, claim } = given;
      return { ...decision, result: { ok: true, value: { ...value, queueTicket, claim } } };
    });
}

/** In what a controller decides. */
export const CORE_BUGS: readonly PlantedBug[] = [
  {
    name: "a stale generation: a move is granted with the generation that the seat before it had",
    seed: 22,
    shows: /^P[125] /,
    plant: () =>
      decides(
        () => (decisions) =>
          decisions.map((decision): Decision => {
            if (decision.type !== "send" || (decision.body.kind !== "grant" && decision.body.kind !== "claim"))
              return decision;
            const seats = decision.body.seats.map((seat) => ({
              ...seat,
              generation: Math.max(1, seat.generation - 1),
            }));
            return { ...decision, body: { ...decision.body, seats } };
          }),
      ),
  },
  {
    name: "a double release: a move gives back the seat that it left and the new one as well",
    seed: 8,
    shows: /^P2 a told seat is there/,
    plant: () => decides(doubleRelease),
  },
  {
    name: "a stop without a close",
    seed: 0,
    shows: /^P3 only a closed server is stopped/,
    plant: () =>
      decides(
        () => (decisions) =>
          decisions.map((decision): Decision => {
            if (decision.type !== "send" || decision.body.kind !== "close") return decision;
            return { type: "stop", serverId: decision.body.serverId, graceSecs: 5, reason: "scaled down" };
          }),
      ),
  },
  {
    name: "a rollout that ends allocated servers",
    seed: 16,
    shows: /^P3 an allocated server is not stopped/,
    plant: () => decides(endAllocated),
  },
  {
    name: "a drain that forgets a moved player",
    seed: 15,
    shows: /^P2 who is moved is told/,
    plant: () => decides(forgetMoved),
  },
  {
    name: "a queue ticket that is given twice",
    seed: 1,
    shows: /^P4 a queue ticket is one player's/,
    plant: () => decides(sameTicket),
  },
  {
    name: "a decision that hangs on more than its inputs",
    seed: 0,
    shows: /^P9 a decision can be replayed/,
    plant: () => {
      let handled = 0;
      return decides(
        () => (decisions) => (++handled % 401 === 0 ? decisions.filter(({ type }) => type !== "event") : decisions),
      );
    },
  },
];
