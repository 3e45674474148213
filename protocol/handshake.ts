import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Socket } from "node:net";
import * as z from "zod";
import type { Clock } from "./clock";
import { LineReader } from "./codec";

/**
 * Who may connect: both sides prove that they know the run's secret, over fresh nonces, before the first message.
 *
 *     dialling side                         listening side
 *       | <------------------ forge, nonce L |
 *       | forge, nonce D, mac("dial") -----> |
 *       | <------------------ mac("listen")  |   or "refused" with the reason, and the end
 *
 * The listening side proves itself too: a socket path or a port may belong to someone else by now.
 */
const HANDSHAKE_VERSION = 1;
const MAX_LINE_BYTES = 1024;
const WITHIN_MS = 5000;

const nonce = z.string().min(16).max(64);
const greeting = z.object({ forge: z.int(), nonce });
const proof = z.object({ forge: z.int(), nonce, mac: z.string().max(64) });
const verdict = z.union([z.object({ mac: z.string().max(64) }), z.object({ refused: z.string().max(512) })]);

/**
 * Known to every program of the run, at least 16 characters. Where it is changed while programs run: asked for at each
 * handshake, the one in use first, then those that are still taken.
 */
export type SharedSecret = string | (() => readonly [string, ...string[]]);

export interface HandshakeOptions {
  readonly secret: SharedSecret;
  readonly clock: Clock;
  /** Of the dialling side: how many times in a row it was refused. It shows each secret it knows in turn. */
  readonly attempt?: number;
}

/** Called once: with the reader that goes on where the handshake ended (`become` it at once), or with why there is none. */
export interface HandshakeOutcome {
  done(reader: LineReader): void;
  failed(error: HandshakeError): void;
}

export type Handshake = (socket: Socket, options: HandshakeOptions, outcome: HandshakeOutcome) => void;

export const dialHandshake: Handshake = (socket, { secret: shared, clock, attempt = 0 }, outcome) => {
  const known = secretsOf(shared);
  const secret = known[attempt % known.length] ?? known[0];
  let nonces: Nonces | undefined;
  exchange(socket, clock, outcome, (line) => {
    if (!nonces) {
      const { forge, nonce: listening } = greeting.parse(JSON.parse(line));
      if (forge !== HANDSHAKE_VERSION) throw new HandshakeError(versionText(forge));
      nonces = { listening, dialling: freshNonce() };
      const mac = sign(secret, "dial", nonces);
      socket.write(`${JSON.stringify({ forge: HANDSHAKE_VERSION, nonce: nonces.dialling, mac })}\n`);
      return false;
    }
    const answer = verdict.parse(JSON.parse(line));
    if ("refused" in answer) throw new HandshakeError(`refused: ${answer.refused}`);
    if (!same(answer.mac, sign(secret, "listen", nonces))) {
      throw new HandshakeError("the other side does not know this run's secret");
    }
    return true;
  });
};

export const listenHandshake: Handshake = (socket, { secret: shared, clock }, outcome) => {
  const listening = freshNonce();
  socket.write(`${JSON.stringify({ forge: HANDSHAKE_VERSION, nonce: listening })}\n`);
  exchange(socket, clock, outcome, (line) => {
    const { forge, nonce: dialling, mac } = proof.parse(JSON.parse(line));
    if (forge !== HANDSHAKE_VERSION) throw refuse(socket, versionText(forge));
    const nonces = { listening, dialling };
    const secret = secretsOf(shared).find((known) => same(mac, sign(known, "dial", nonces)));
    if (secret === undefined) throw refuse(socket, "wrong secret");
    socket.write(`${JSON.stringify({ mac: sign(secret, "listen", nonces) })}\n`);
    return true;
  });
};

export class HandshakeError extends Error {
  constructor(detail: string) {
    super(detail);
    this.name = "HandshakeError";
  }
}

function refuse(socket: Socket, reason: string): HandshakeError {
  socket.end(`${JSON.stringify({ refused: reason })}\n`);
  return new HandshakeError(reason);
}

/** Hands lines to `step` until it says that this was the last. On a problem the socket goes, after what was written to it. */
function exchange(socket: Socket, clock: Clock, outcome: HandshakeOutcome, step: (line: string) => boolean): void {
  let over = false;
  const stop = (): void => {
    over = true;
    cancel();
    socket.off("data", onData).off("close", onClose).off("error", fail);
  };
  const fail = (error: unknown): void => {
    stop();
    // A late error of a socket that is given up has nobody to go to.
    socket.on("error", () => undefined);
    socket.destroySoon();
    outcome.failed(asHandshakeError(error));
  };
  const reader = new LineReader((line) => {
    if (!step(line)) return;
    stop();
    outcome.done(reader);
  }, MAX_LINE_BYTES);
  const onData = (chunk: Buffer): void => {
    try {
      reader.push(chunk);
    } catch (error) {
      // The rest of the packet is no longer the handshake's: its owner hears of it from the socket.
      if (over) socket.destroy(error as Error);
      else fail(error);
    }
  };
  const onClose = (): void => fail(new HandshakeError("the connection ended during the handshake"));
  const cancel = clock.after(WITHIN_MS, () => fail(new HandshakeError(`no answer within ${WITHIN_MS} ms`)));
  socket.on("data", onData).on("close", onClose).on("error", fail);
}

function asHandshakeError(error: unknown): HandshakeError {
  if (error instanceof HandshakeError) return error;
  // Those of the system have a code and say enough; the others are about what was read.
  const { code, message } = error as NodeJS.ErrnoException;
  return new HandshakeError(code === undefined ? `no handshake: ${message}` : message);
}

function secretsOf(shared: SharedSecret): readonly [string, ...string[]] {
  return typeof shared === "string" ? [shared] : shared();
}

function freshNonce(): string {
  return randomBytes(24).toString("base64url");
}

interface Nonces {
  readonly listening: string;
  readonly dialling: string;
}

function sign(secret: string, side: "dial" | "listen", { listening, dialling }: Nonces): string {
  return createHmac("sha256", secret)
    .update(`forge ${side} ${HANDSHAKE_VERSION}\n${listening}\n${dialling}`)
    .digest("base64url");
}

function same(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function versionText(theirs: number): string {
  return `handshake version ${theirs}, this side speaks ${HANDSHAKE_VERSION}: upgrade the older program`;
}
