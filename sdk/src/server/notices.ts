import { roleKey } from "./environment";
import type { StreamEvent } from "../event-stream";

/** A state that was saved on a server before: `ageMs` old when it was given. */
export interface Restore {
  readonly data: string;
  readonly ageMs: number;
}

/** What Forge knows of this server. */
export interface GameServerInfo {
  readonly serverId: string;
  readonly allocationId: string;
  readonly experienceId: string;
  readonly version: string;
  readonly role: string;
  readonly region: string;
  readonly address: string;
  readonly ports: Readonly<Record<string, number>>;
  readonly maxPlayers: number;
  /** Checks this server's tickets offline. */
  readonly ticketKey: string;
  /** All keys that are taken while the run's secret is being changed, that one first. */
  readonly ticketKeys?: readonly string[];
  readonly state: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly players: readonly unknown[];
  /** The state of the server that this one replaces. */
  readonly restore: Restore | null;
}

/** What a server is told while it runs. */
export interface GameServerEvents {
  /** First after connecting, then on every change. */
  gameserver: GameServerInfo;
  /** No new players come; those here may stay until `deadlineMs` (milliseconds since 1970), or to their end without one. */
  draining: { readonly deadlineMs: number | undefined; readonly reason: string };
  /** These players sit elsewhere now: tell them, and forget them. */
  moved: { readonly playerIds: readonly string[]; readonly reason: string };
  /** The process will be stopped; after `graceMs` it is killed. */
  stopping: { readonly graceMs: number };
  /** Where the servers of a fleet role are now, as `host:port`. */
  peers: { readonly role: string; readonly addresses: readonly string[] };
  /** Something went wrong in the background, or in `saveNow`. What comes again by itself is tried again. */
  problem: Error;
}

export type Notice = {
  [Name in keyof GameServerEvents]: { readonly name: Name; readonly value: GameServerEvents[Name] };
}[Exclude<keyof GameServerEvents, "problem">];

/** Reads one event of the watch stream; undefined for one that this version does not know or cannot read. */
export function readNotice(event: StreamEvent): Notice | undefined {
  const data = parseObject(event.data);
  if (data === undefined) return undefined;
  switch (event.event) {
    case "gameserver":
      return typeof data["serverId"] === "string" ? { name: "gameserver", value: gameServerInfo(data) } : undefined;
    case "draining":
      return {
        name: "draining",
        value: { deadlineMs: moment(data["deadlineMs"] ?? data["deadline"]), reason: text(data["reason"]) },
      };
    case "moved":
      return { name: "moved", value: { playerIds: strings(data["playerIds"]), reason: text(data["reason"]) } };
    case "stopping":
      return { name: "stopping", value: { graceMs: typeof data["graceMs"] === "number" ? data["graceMs"] : 0 } };
    case "peers":
      return { name: "peers", value: { role: roleKey(text(data["role"])), addresses: strings(data["addresses"]) } };
    default:
      return undefined;
  }
}

/** The answer to `GET /v1/gameserver`, and the event of that name. */
export function gameServerInfo(data: Record<string, unknown>): GameServerInfo {
  return { ...(data as unknown as GameServerInfo), restore: readRestore(data["restore"]) };
}

/** A saved state as an answer carries it; null where there is none. */
export function readRestore(value: unknown): Restore | null {
  if (typeof value !== "object" || value === null) return null;
  const { data, ageMs } = value as Record<string, unknown>;
  return typeof data === "string" ? { data, ageMs: typeof ageMs === "number" ? ageMs : 0 } : null;
}

function parseObject(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Milliseconds since 1970, from a number or an ISO 8601 string. */
function moment(value: unknown): number | undefined {
  const ms = typeof value === "string" ? Date.parse(value) : value;
  return typeof ms === "number" && Number.isFinite(ms) ? ms : undefined;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((entry): entry is string => typeof entry === "string") : [];
}
