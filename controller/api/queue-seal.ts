import { createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import type { QueueClaim } from "../core/queue-claim";

/**
 * A queue ticket as clients hold it: `ID~base64url(JSON).base64url(HMAC-SHA256)`. The id is what the controller knows the wait
 * by; the rest carries the wait itself, so that another leader, or the same after a restart, can take it up again in its place.
 * The key derives from the run's ticket secret: nobody else can make up a wait, or make one older.
 */
const SEAL = "~";

/** A longer one would not fit into a request line: it is left without its seal, and is good with this leader only. */
export const SEALED_MOST = 12_000;

const wire = z.strictObject({
  e: z.string(),
  v: z.string().optional(),
  m: z.array(z.string()),
  x: z.string().nullable(),
  o: z.number(),
  s: z.number(),
  d: z.number(),
  /** Where the party is not just the members, in their order. */
  g: z.array(z.string()).max(256).optional(),
  p: z
    .array(z.tuple([z.string(), z.string(), z.record(z.string(), z.number())]))
    .min(1)
    .max(256),
});

/** Session, player, and milliseconds by region. */
type Member = readonly [string, string, Readonly<Record<string, number>>];

/** @param queueTicket of one member, as the core names it */
export function sealQueueTicket(secret: string, queueTicket: string, claim: QueueClaim): string {
  const { experienceId, version, mods, matchId, order, sinceMs, deadlineMs, party, members } = claim;
  const p = members.map(({ sessionId, playerId, latencies }): Member => [sessionId, playerId, latencies]);
  const g = sameParty(party, partyOf(p)) ? undefined : party;
  const json = { e: experienceId, v: version, m: mods, x: matchId, o: order, s: sinceMs, d: deadlineMs, g, p };
  const body = Buffer.from(JSON.stringify(json)).toString("base64url");
  const sealed = `${queueTicket}${SEAL}${body}.${mac(secret, queueTicket, body)}`;
  return sealed.length > SEALED_MOST ? queueTicket : sealed;
}

export interface OpenedQueueTicket {
  /** What the core knows the wait by. */
  readonly queueTicket: string;
  /** Undefined for an id alone. */
  readonly claim: QueueClaim | undefined;
}

/** @returns undefined where the seal is not one of this run, or what it holds cannot be read */
export function openQueueTicket(secrets: readonly string[], text: string): OpenedQueueTicket | undefined {
  const [queueTicket = "", sealed, ...more] = text.split(SEAL);
  if (sealed === undefined) return { queueTicket, claim: undefined };
  const [body, seal, rest] = sealed.split(".");
  if (!body || !seal || rest !== undefined || more.length > 0) return undefined;
  const given = Buffer.from(seal);
  const good = secrets.some((secret) => {
    const expected = Buffer.from(mac(secret, queueTicket, body));
    return expected.length === given.length && timingSafeEqual(expected, given);
  });
  const claim = good ? read(queueTicket, body) : undefined;
  return claim && { queueTicket, claim };
}

function read(queueTicket: string, body: string): QueueClaim | undefined {
  try {
    const { e, v, m, x, o, s, d, g, p } = wire.parse(JSON.parse(Buffer.from(body, "base64url").toString("utf8")));
    return {
      // A member's ticket is the group's with its session.
      ticket: queueTicket.split(".")[0] ?? "",
      experienceId: e,
      version: v,
      mods: m,
      matchId: x,
      order: o,
      sinceMs: s,
      deadlineMs: d,
      party: g ?? partyOf(p),
      members: p.map(([sessionId, playerId, latencies]) => ({ sessionId, playerId, latencies })),
    };
  } catch {
    return undefined;
  }
}

function partyOf(members: readonly Member[]): readonly string[] {
  return members.length > 1 ? members.map(([, playerId]) => playerId) : [];
}

function sameParty(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((playerId, i) => playerId === b[i]);
}

function mac(secret: string, queueTicket: string, body: string): string {
  return createHmac("sha256", secret).update(`forge-queue-ticket\n${queueTicket}\n${body}`).digest("base64url");
}
