import { createHmac, timingSafeEqual } from "node:crypto";
import { rootCertificates } from "node:tls";
import * as z from "zod";
import { Agent, buildConnector, request } from "./undici.cjs";

/**
 * How programs of one run come to trust each other's certificates, which each region's own authority signs: a controller
 * shows its authority to everybody, sealed with the run's shared secret. Who knows the secret can tell that it is the
 * run's; nobody has to carry certificates from region to region.
 */
export const AUTHORITY_PATH = "/.well-known/forge-authority";

const shown = z.object({ ca: z.string().includes("-----BEGIN CERTIFICATE-----"), seal: z.string().max(64) });

export type ShownAuthority = z.output<typeof shown>;

/** @param ca PEM */
export function showAuthority(ca: string, shared: string): ShownAuthority {
  return { ca, seal: sealOf(ca, shared) };
}

/** The PEM of an authority that knows one of these secrets has sealed; undefined where none has. */
export function sealedAuthority(value: unknown, shared: readonly string[]): string | undefined {
  const read = shown.safeParse(value);
  if (!read.success) return undefined;
  const { ca, seal } = read.data;
  const given = Buffer.from(seal);
  const known = shared.some((secret) => {
    const expected = Buffer.from(sealOf(ca, secret));
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
  return known ? ca : undefined;
}

function sealOf(ca: string, shared: string): string {
  return createHmac("sha256", shared).update(`forge authority 1\n${ca}`).digest("base64url");
}

const LEARN_MS = 3000;

export interface TrustOptions extends Omit<Agent.Options, "connect"> {
  /** The run's shared secret, the one in use first; asked at each look. */
  readonly shared: () => readonly string[];
  /** Milliseconds until a connection must stand; undici's own where not given. */
  readonly connectTimeoutMs?: number;
}

/**
 * Connections that trust what this machine trusts anyway and, over https, the authority that the other side shows with
 * this run's seal. It is asked once an address, and again where a certificate does not fit it any more.
 */
export function trustingAgent({ shared, connectTimeoutMs, ...options }: TrustOptions): Agent {
  const known = new Map<string, Promise<string | undefined>>();
  const timeout = connectTimeoutMs === undefined ? {} : { timeout: connectTimeoutMs };
  const plain = buildConnector(timeout);
  const connect: buildConnector.connector = (to, callback) => {
    if (to.protocol !== "https:") return plain(to, callback);
    const origin = `https://${to.hostname.includes(":") ? `[${to.hostname}]` : to.hostname}:${to.port || "443"}`;
    const attempt = (again: boolean): void => {
      const cached = known.get(origin);
      const authority = cached ?? learn(origin, shared());
      known.set(origin, authority);
      void authority.then((ca) => {
        const secure = buildConnector({ ...timeout, ca: [...rootCertificates, ...(ca === undefined ? [] : [ca])] });
        secure(to, (...result) => {
          const failed = result[0] !== null;
          if (failed || ca === undefined) known.delete(origin);
          // The region may have a new authority since.
          if (failed && cached !== undefined && again) attempt(false);
          else callback(...result);
        });
      });
    };
    attempt(true);
  };
  return new Agent({ ...options, connect });
}

/** What is there shows no authority of this run, or nothing is there: the system's own decide. */
async function learn(origin: string, shared: readonly string[]): Promise<string | undefined> {
  // Nothing that is learnt this way is believed without the seal, and nothing is sent.
  const unchecked = new Agent({ connect: { rejectUnauthorized: false, timeout: LEARN_MS } });
  try {
    const { statusCode, body } = await request(origin + AUTHORITY_PATH, {
      dispatcher: unchecked,
      headersTimeout: LEARN_MS,
      bodyTimeout: LEARN_MS,
    });
    const value = await body.json();
    return statusCode === 200 ? sealedAuthority(value, shared) : undefined;
  } catch {
    return undefined;
  } finally {
    await unchecked.destroy();
  }
}
