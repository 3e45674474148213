import type { ServerReport } from "../protocol/messages";
import { serverTicketKey } from "../protocol/ticket";
import type { Seat } from "./seats/seat-record";

/** Keys that a server's tickets are sealed with, of each of the run's secrets, in their order. */
export function keysOf(
  [secret, ...earlier]: readonly [string, ...string[]],
  serverId: string,
  allocationId: string,
): readonly [string, ...string[]] {
  const key = (of: string): string => serverTicketKey(of, serverId, allocationId);
  return [key(secret), ...earlier.map(key)];
}

/** A seat as controllers are told of it. */
export function seatReport(seat: Seat): ServerReport["seats"][number] {
  const { restore, ...report } = seat;
  void restore;
  return { ...report, joined: seat.joinedAtMs !== undefined };
}

/** Labels after a change; null takes one away. */
export function merged(
  present: Readonly<Record<string, string>>,
  changes: Readonly<Record<string, string | null>>,
): Readonly<Record<string, string>> {
  const entries = Object.entries({ ...present, ...changes });
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== null));
}
