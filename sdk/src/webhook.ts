import { createHmac, timingSafeEqual } from "node:crypto";
import type { ForgeEvent } from "./resources";

/** A webhook as it came in over HTTP. */
export interface WebhookRequest {
  /** The body exactly as received, not parsed and written again. */
  readonly body: string | Uint8Array;
  /** Names in lower case, as Node gives them. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

export type WebhookCheck =
  | {
      readonly ok: true;
      /** The same for every attempt: a receiver that has seen it may answer 200 and do nothing. */
      readonly eventId: string;
      readonly event: ForgeEvent;
    }
  | { readonly ok: false; readonly problem: "missing" | "malformed" | "stale" | "signature" };

/** A signature older than this is refused, so that what was once overheard cannot be played again later. */
const MAX_AGE_SECS = 300;

/**
 * Checks that a webhook is Forge's and fresh: header `forge-signature: t=UNIX,v1=HEX`, where HEX is the HMAC-SHA256 of
 * `UNIX.BODY` with the secret. Several `v1` may stand there while a secret is being replaced.
 * @param nowMs milliseconds since 1970
 */
export function verifyWebhook(secret: string, request: WebhookRequest, nowMs: number = Date.now()): WebhookCheck {
  const signature = header(request, "forge-signature");
  const eventId = header(request, "forge-event-id");
  if (signature === undefined || eventId === undefined) return { ok: false, problem: "missing" };
  const parts = signature.split(",").map((part) => part.trim().split("="));
  const time = Number(parts.find(([name]) => name === "t")?.[1] ?? NaN);
  const given = parts.filter(([name]) => name === "v1").map(([, hex = ""]) => hex);
  if (!Number.isInteger(time) || given.length === 0) return { ok: false, problem: "malformed" };
  const expected = createHmac("sha256", secret).update(`${time}.`).update(request.body).digest();
  if (!given.some((hex) => same(hex, expected))) return { ok: false, problem: "signature" };
  if (Math.abs(nowMs / 1000 - time) > MAX_AGE_SECS) return { ok: false, problem: "stale" };
  try {
    const text = typeof request.body === "string" ? request.body : new TextDecoder().decode(request.body);
    return { ok: true, eventId, event: JSON.parse(text) as ForgeEvent };
  } catch {
    return { ok: false, problem: "malformed" };
  }
}

function same(hex: string, expected: Buffer): boolean {
  const given = Buffer.from(hex, "hex");
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function header({ headers }: WebhookRequest, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : value?.[0];
}
