import { X509Certificate } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import * as z from "zod";
import type { Clock } from "../protocol/clock";
import { caField } from "./consul-access";
import { Vault } from "./vault";

const absolutePath = z.string().startsWith("/", "must be an absolute path");

/** Where a program of a region gets its certificate: the PKI of a Vault, which it logs in to by its identity. */
export const certificateSourceSchema = z.strictObject({
  address: z.string().min(1),
  ca: caField,
  /** JWT login, below `auth/`, and this program's role there. */
  authMount: z.string().min(1),
  role: z.string().min(1),
  pkiMount: z.string().min(1),
  pkiRole: z.string().min(1),
  commonName: z.string().min(1),
  /** Addresses that it is called by; host names beside `localhost` are not certified. */
  ipSans: z.array(z.string().min(1)).default([]),
  /** A 0600 file that a start without Vault reads instead, as long as what it holds is valid. */
  copy: absolutePath.optional(),
  identityFile: absolutePath.optional(),
});

export type CertificateSource = z.output<typeof certificateSourceSchema>;

/** PEM texts. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
  /** The authority that signed it. */
  readonly ca: string;
}

/** A program's certificate as it is now. */
export interface LiveCertificate {
  readonly now: Certificate;
  /** Calls back after each change; the result ends that. */
  subscribe(listener: (certificate: Certificate) => void): () => void;
  close(): Promise<void>;
}

export interface CertificateDeps {
  readonly clock: Clock;
  /** 0 to 1, for jitter. */
  readonly random: () => number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: { warn(fields: object, message: string): void; info(fields: object, message: string): void };
}

const issued = z.object({
  data: z.object({ certificate: z.string(), private_key: z.string(), issuing_ca: z.string() }),
});
const kept = z.object({ key: z.string(), cert: z.string(), ca: z.string() });

/** A certificate is renewed once this share of its life is over. */
const RENEW_AT = 2 / 3;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** Timers take 2^31 ms at most. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Waits for the first: from Vault, else from the copy on this node, else for as long as it takes. */
export async function openCertificate(source: CertificateSource, deps: CertificateDeps): Promise<LiveCertificate> {
  const live = new IssuedCertificate(source, deps);
  await live.open();
  return live;
}

class IssuedCertificate implements LiveCertificate {
  private readonly vault: Vault;
  private readonly listeners = new Set<(certificate: Certificate) => void>();
  private held: Certificate | undefined;
  private cancel: () => void = () => undefined;
  private failures = 0;
  private closed = false;

  constructor(
    private readonly source: CertificateSource,
    private readonly deps: CertificateDeps,
  ) {
    this.vault = new Vault(source, deps);
  }

  get now(): Certificate {
    if (!this.held) throw new Error("the certificate is read before anybody has one");
    return this.held;
  }

  async open(): Promise<void> {
    // A program that has nothing but its timers would end.
    const stay = setInterval(() => undefined, 2 ** 30);
    try {
      while (!(await this.renew())) {
        this.held ??= this.fromCopy();
        if (this.held) break;
        await new Promise<void>((done) => this.deps.clock.after(this.pauseMs(), done));
      }
    } finally {
      clearInterval(stay);
    }
    this.schedule();
  }

  subscribe(listener: (certificate: Certificate) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.closed = true;
    this.cancel();
    await this.vault.close();
  }

  private schedule(): void {
    if (this.closed) return;
    const waitMs = this.failures > 0 ? this.pauseMs() : renewInMs(this.now, this.deps.clock.now());
    this.cancel = this.deps.clock.after(Math.min(waitMs, LONGEST_TIMER_MS), () => {
      void this.renew().then(() => this.schedule());
    });
  }

  private pauseMs(): number {
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.failures, 10));
    return longest * (0.5 + this.deps.random() / 2);
  }

  /** @returns whether there is a new one */
  private async renew(): Promise<boolean> {
    const { log } = this.deps;
    try {
      const next = await this.issue();
      this.take(next);
      if (this.failures > 0) log.info({}, "Vault issues certificates again");
      this.failures = 0;
      return true;
    } catch (error) {
      if (this.failures === 0 && !this.closed)
        log.warn({ problem: (error as Error).message }, "no certificate is issued; going on with what there is");
      this.failures += 1;
      return false;
    }
  }

  private async issue(): Promise<Certificate> {
    const { pkiMount, pkiRole, commonName, ipSans } = this.source;
    const body = {
      common_name: commonName,
      alt_names: "localhost",
      ip_sans: [...new Set(["127.0.0.1", ...ipSans])].join(","),
    };
    const { data } = issued.parse(await this.vault.json("POST", `/v1/${pkiMount}/issue/${pkiRole}`, { body }));
    return { key: data.private_key, cert: data.certificate, ca: data.issuing_ca };
  }

  private take(next: Certificate): void {
    const first = this.held === undefined;
    this.held = next;
    this.writeCopy(next);
    if (first) return;
    this.deps.log.info({ until: new X509Certificate(next.cert).validTo }, "a new certificate is in use");
    for (const listener of this.listeners) listener(next);
  }

  private writeCopy(certificate: Certificate): void {
    const { copy } = this.source;
    if (copy === undefined) return;
    try {
      mkdirSync(dirname(copy), { recursive: true, mode: 0o700 });
      writeFileSync(`${copy}.new`, JSON.stringify(certificate), { mode: 0o600 });
      renameSync(`${copy}.new`, copy);
    } catch (error) {
      this.deps.log.warn({ err: error, copy }, "no copy of the certificate could be kept");
    }
  }

  private fromCopy(): Certificate | undefined {
    const { copy } = this.source;
    if (copy === undefined) return undefined;
    try {
      const read = kept.parse(JSON.parse(readFileSync(copy, "utf8")));
      if (Date.parse(new X509Certificate(read.cert).validTo) <= this.deps.clock.now()) return undefined;
      this.deps.log.info({ copy }, "starting with the certificate of the copy on this node");
      return read;
    } catch {
      return undefined;
    }
  }
}

function renewInMs({ cert }: Certificate, nowMs: number): number {
  const { validFrom, validTo } = new X509Certificate(cert);
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
  return Math.max(0, from + (to - from) * RENEW_AT - nowMs);
}
