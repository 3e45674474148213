import { execFile } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { InfraError } from "../failure";
import { readIfThere, writeWhole } from "../local/region-folder";

/**
 * A region's own certificate authority and the certificates of its agents, made by Nomad's `tls` commands: without
 * network, and as Nomad wants them. The CA's key stays in this folder; whoever has it can become a server of the region.
 */
export interface CertificatePlace {
  /** Absolute path of the nomad program. */
  readonly nomad: string;
  /** Absolute path; made where missing, 0700. */
  readonly folder: string;
  readonly region: string;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

export type CertificateRole = "server" | "client";

export const CA_FILE = "ca.pem";
const CA_KEY_FILE = "ca-key.pem";
const CA_DAYS = 1825;
const LEAF_DAYS = 365;
/** A certificate with less than this left is made anew: 30 days. */
const RENEW_BEFORE_MS = 30 * 24 * 3600 * 1000;

/** The files of an agent's certificate in the folder. */
export function certificateFiles(role: CertificateRole): { readonly cert: string; readonly key: string } {
  return { cert: `${role}.pem`, key: `${role}-key.pem` };
}

/**
 * Makes what is missing or about to end. Idempotent, and safe to kill: a key is written before its certificate, and a
 * pair whose halves do not belong together is made again.
 *
 * @returns the files that are new: running agents must read them again
 * @throws {InfraError} `failed` with what nomad said
 */
export async function ensureCertificates(place: CertificatePlace): Promise<readonly string[]> {
  mkdirSync(place.folder, { recursive: true, mode: 0o700 });
  const made: string[] = [];
  if (!isPairGood(place, CA_FILE, CA_KEY_FILE)) {
    await inScratch(place, async (scratch) => {
      await nomadTls(place, scratch, ["ca", "create", "-days", String(CA_DAYS)]);
      adopt(place, scratch, "nomad-agent-ca", CA_FILE, CA_KEY_FILE);
    });
    made.push(CA_FILE);
  }
  for (const role of ["server", "client"] as const) {
    const { cert, key } = certificateFiles(role);
    if (made.includes(CA_FILE) || !isPairGood(place, cert, key)) {
      await makeLeaf(place, role);
      made.push(cert);
    }
  }
  return made;
}

async function makeLeaf(place: CertificatePlace, role: CertificateRole): Promise<void> {
  const { region, folder } = place;
  const { cert, key } = certificateFiles(role);
  const files = ["-ca", join(folder, CA_FILE), "-key", join(folder, CA_KEY_FILE)];
  // Consul checks `server.DATACENTER.consul` of whatever claims to be a server.
  const names = role === "server" ? ["-additional-dnsname", `server.${region}.consul`] : [];
  await inScratch(place, async (scratch) => {
    const args = ["cert", "create", `-${role}`, "-region", region, "-days", String(LEAF_DAYS), ...files, ...names];
    await nomadTls(place, scratch, args);
    adopt(place, scratch, `${region}-${role}-nomad`, cert, key);
  });
}

/** Whether both halves are there, belong together, come from this CA, and last. */
function isPairGood({ folder, nowMs }: CertificatePlace, certFile: string, keyFile: string): boolean {
  const [cert, key, ca] = [certFile, keyFile, CA_FILE].map((file) => readIfThere(join(folder, file)));
  if (cert === undefined || key === undefined || ca === undefined) return false;
  try {
    const parsed = new X509Certificate(cert);
    const lasts = Date.parse(parsed.validTo) - nowMs > RENEW_BEFORE_MS;
    return lasts && parsed.checkPrivateKey(createPrivateKey(key)) && parsed.verify(new X509Certificate(ca).publicKey);
  } catch {
    return false;
  }
}

function adopt({ folder }: CertificatePlace, scratch: string, made: string, certFile: string, keyFile: string): void {
  writeWhole(join(folder, keyFile), readFileSync(join(scratch, `${made}-key.pem`), "utf8"), 0o600);
  writeWhole(join(folder, certFile), readFileSync(join(scratch, `${made}.pem`), "utf8"), 0o644);
}

/** Nomad writes into the folder it is started in, and refuses where a file is there. */
async function inScratch({ folder }: CertificatePlace, work: (scratch: string) => Promise<void>): Promise<void> {
  for (const left of readdirSync(folder).filter((name) => name.startsWith(".making-"))) {
    rmSync(join(folder, left), { recursive: true, force: true });
  }
  const scratch = mkdtempSync(join(folder, ".making-"));
  try {
    await work(scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function nomadTls({ nomad }: CertificatePlace, cwd: string, args: readonly string[]): Promise<void> {
  try {
    await promisify(execFile)(nomad, ["tls", ...args], {
      cwd,
      timeout: 30_000,
      env: { PATH: process.env["PATH"] ?? "" },
    });
  } catch (error) {
    const { stderr, message } = error as { readonly stderr?: string; readonly message: string };
    const said = (stderr ?? "").trim() || message;
    throw new InfraError(
      "failed",
      `nomad tls ${args.slice(0, 2).join(" ")} failed: ${said}`,
      "check disk and rights of the region's tls/ folder",
    );
  }
}
