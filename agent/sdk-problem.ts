/** What an SDK call is refused with, by the agent; the gate has its own. */
export type SdkProblemCode =
  | "malformed"
  | "unknownCall"
  | "unknownServer"
  | "serverGone"
  | "ticketMalformed"
  | "ticketSignature"
  | "ticketExpired"
  | "ticketForeign"
  | "ticketReplayed"
  | "seatGone"
  | "olderGeneration"
  | "snapshotTooLarge"
  | "journal";

const CATALOGUE: Readonly<Record<SdkProblemCode, readonly [status: number, title: string]>> = {
  malformed: [400, "The body is not as this call wants it"],
  unknownCall: [404, "There is no such call"],
  unknownServer: [404, "The agent does not know this game server"],
  serverGone: [410, "This game server has been given up"],
  ticketMalformed: [403, "This is no ticket"],
  ticketSignature: [403, "The ticket's seal is wrong"],
  ticketExpired: [403, "The ticket has expired"],
  ticketForeign: [403, "The ticket is for another server or player"],
  ticketReplayed: [403, "The ticket has been used"],
  seatGone: [403, "The seat has been given back"],
  olderGeneration: [403, "The player has moved on since this ticket"],
  snapshotTooLarge: [413, "The saved state is too large"],
  journal: [503, "The agent cannot write its journal"],
};

export interface SdkAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** RFC 9457. */
export function sdkProblem(code: SdkProblemCode, detail: string): SdkAnswer {
  const [status, title] = CATALOGUE[code];
  return { status, body: { type: "about:blank", title, status, code, detail } };
}
