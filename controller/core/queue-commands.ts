import { letWait } from "./answers";
import { endSession } from "./sessions";
import type { Command } from "./input";
import type { Group } from "./group";
import { problem } from "./outbox";
import { giveTicket } from "./placement";
import type { QueueEntry } from "./resources";
import type { CoreState } from "./state";
import { answerSeat } from "./session-commands";
import { queuedView, queueEntryView } from "./views";

type Of<T extends Command["type"]> = Extract<Command, { type: T }>;

export function waitQueue(s: CoreState, requestId: number, command: Of<"waitQueue">): void {
  const group = s.tickets.get(command.queueTicket);
  if (!group) return s.out.refuse(requestId, unknownTicket(command.queueTicket));
  if (group.failed) return s.out.refuse(requestId, group.failed);
  if (group.waiting || group.target) {
    letWait(s, group, {
      requestId,
      answer: "waitQueue",
      session: group.sessions[0] ?? null,
      untilMs: command.untilMs,
      existing: false,
    });
    return;
  }
  answerPlacedSince(s, requestId, group, command.untilMs);
}

/** It was placed while nobody was asking; or it was, and has lost its server since. */
function answerPlacedSince(s: CoreState, requestId: number, group: Group, untilMs: number): void {
  const first = group.sessions.find(({ server, state }) => server !== null && state !== "ended");
  const server = first?.server;
  if (!first || !server)
    return s.out.refuse(requestId, problem("conflict", "the session that was waited for has ended"));
  const move = first.group;
  if (move && move.kind !== "refresh") {
    giveTicket(s, move);
    letWait(s, move, { requestId, answer: "waitQueue", session: first, untilMs, existing: true });
  } else
    answerSeat(
      s,
      requestId,
      first,
      server,
      group.sessions.map(({ playerId }) => playerId),
    );
}

export function leaveQueue(s: CoreState, requestId: number, { queueTicket }: Of<"leaveQueue">): void {
  const group = s.tickets.get(queueTicket);
  if (!group) return s.out.refuse(requestId, unknownTicket(queueTicket));
  const first = group.sessions[0];
  if (group.failed) return s.out.refuse(requestId, group.failed);
  if (!first || (!group.waiting && !group.target) || group.kind === "move") {
    return s.out.refuse(
      requestId,
      problem("conflict", `${queueTicket} does not wait any more: end its session instead`, {
        info: { sessionId: first?.id ?? null },
      }),
    );
  }
  const view = queuedView(s, s.fleet(group.experienceId), group, first);
  for (const session of [...group.sessions]) endSession(s, session, "left the queue", { release: false });
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
