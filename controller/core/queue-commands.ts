import { letWait } from "./answers";
import { endSession } from "./sessions";
import type { Command } from "./input";
import { problem } from "./outbox";
import { giveTicket } from "./placement";
import { newGroup, type Group } from "./group";
import type { PlayerSession } from "./player-session";
import type { QueueClaim } from "./queue-claim";
import { holderOf, isNumbered, partsOf, type Holder } from "./queue-ticket";
import type { QueueEntry } from "./resources";
import { takeUp } from "./resume-wait";
import type { CoreState } from "./state";
import { answerSeat } from "./session-commands";
import { queuedView, queueEntryView } from "./views";

type Of<T extends Command["type"]> = Extract<Command, { type: T }>;

const NUMBERED =
  "it was given out by a version of Forge that numbered the members of a party, and nobody knows any more whose it is; ask for a place again: who still waits is answered in the same place";

/** Whom the ticket stands for; where nobody here knows it, its wait is taken up again. Refuses where that cannot be. */
function find(
  s: CoreState,
  requestId: number,
  { queueTicket, claim }: Of<"waitQueue"> | Of<"leaveQueue">,
): Holder | undefined {
  if (isNumbered(queueTicket)) {
    s.out.refuse(requestId, problem("unknownQueueTicket", NUMBERED));
    return undefined;
  }
  const known = holderOf(s, queueTicket) ?? (claim && elsewhere(s, queueTicket, claim));
  if (known) return known;
  const why = claim ? takeUp(s, claim) : unknownTicket(queueTicket);
  const holder = why === null ? holderOf(s, queueTicket) : undefined;
  if (!holder) s.out.refuse(requestId, why ?? unknownTicket(queueTicket));
  return holder;
}

/** The player waits by another call, or has been placed: a leader who does not know the ticket knows the player. */
function elsewhere(s: CoreState, queueTicket: string, claim: QueueClaim): Holder | undefined {
  const { sessionId } = partsOf(queueTicket) ?? {};
  const own = claim.members.find((member) => member.sessionId === sessionId);
  const player = sessionId === undefined ? (claim.party[0] ?? claim.members[0]?.playerId) : own?.playerId;
  const session = player === undefined ? undefined : s.fleets.get(claim.experienceId)?.players.get(player);
  const group = session && (session.group ?? settled(s, session));
  return group && { group, session, first: false };
}

/** Stands for the wait of one who has a seat. */
function settled(s: CoreState, session: PlayerSession): Group {
  const { experienceId } = session;
  return newGroup({ kind: "join", experienceId, sessions: [session], sinceMs: s.nowMs, deadlineMs: s.nowMs });
}

export function waitQueue(s: CoreState, requestId: number, command: Of<"waitQueue">): void {
  const holder = find(s, requestId, command);
  if (!holder) return;
  const { group, session } = holder;
  if (group.failed) return s.out.refuse(requestId, group.failed);
  if (session && (group.waiting || group.target)) {
    letWait(s, group, { requestId, answer: "waitQueue", session, untilMs: command.untilMs, existing: false });
    return;
  }
  answerPlacedSince(s, requestId, holder, command.untilMs);
}

/** It was placed while nobody was asking; or it was, and has lost its server since. */
function answerPlacedSince(s: CoreState, requestId: number, { group, session }: Holder, untilMs: number): void {
  const server = session?.server;
  if (!session || !server || session.state === "ended")
    return s.out.refuse(requestId, problem("conflict", "the session that was waited for has ended"));
  const move = session.group;
  if (move && move.kind !== "refresh") {
    giveTicket(s, move);
    letWait(s, move, { requestId, answer: "waitQueue", session, untilMs, existing: true });
  } else
    answerSeat(
      s,
      requestId,
      session,
      server,
      group.sessions.map(({ playerId }) => playerId).filter((member) => session.party.includes(member)),
    );
}

export function leaveQueue(s: CoreState, requestId: number, command: Of<"leaveQueue">): void {
  const { queueTicket } = command;
  const holder = find(s, requestId, command);
  if (!holder) return;
  const { group, session } = holder;
  if (group.failed) return s.out.refuse(requestId, group.failed);
  if (!session || (!group.waiting && !group.target) || group.kind === "move") {
    return s.out.refuse(
      requestId,
      problem("conflict", `${queueTicket} does not wait any more: end its session instead`, {
        info: { sessionId: session?.id ?? null },
      }),
    );
  }
  const view = queuedView(s, s.fleet(group.experienceId), group, session);
  // With the group's own ticket all give up, with a member's that member does.
  for (const each of holder.first ? [...group.sessions] : [session])
    endSession(s, each, "left the queue", { release: false });
  s.out.reply(requestId, view);
}

export function listQueue(s: CoreState, requestId: number, { experienceId }: Of<"listQueue">): void {
  const entries: QueueEntry[] = [];
  for (const fleet of s.fleets.values()) {
    if (experienceId !== undefined && fleet.id !== experienceId) continue;
    fleet.line.all().forEach((group, i) => {
      const first = group.sessions[0];
      if (first && group.kind !== "move") entries.push(queueEntryView(s, group, first, i + 1));
    });
  }
  s.out.reply(requestId, entries);
}

function unknownTicket(queueTicket: string): ReturnType<typeof problem> {
  return problem("unknownQueueTicket", `nobody waits with ticket "${queueTicket}" in this region`);
}
