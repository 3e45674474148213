import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import { z } from "zod";
import { processIsThere } from "./process-age";

/** What is kept of a run on the embedded engine, whoever started it, in a file for its owner alone. */
export const runFileSchema = z.object({
  runId: z.string().min(1),
  /** Of the process that owns the run and ends it on SIGTERM. */
  pid: z.int().positive(),
  /** Where the first region's controller answers. */
  url: z.url({ protocol: /^https?$/ }),
  /** By region's name. */
  regions: z.record(z.string(), z.url({ protocol: /^https?$/ })),
  /** Signs the API tokens: whoever can read the file is its operator. The same for all regions of a folder. */
  tokenKey: z.string().min(32),
  startedAtMs: z.number().nonnegative(),
  detached: z.boolean(),
});

/**
 * A region on the embedded engine that a deploy started: one process of this machine, recorded in
 * `.forge/embedded/REGION/run.json` beside forge.toml. Commands find it by that file; so does synthesis, which asks
 * whether the incarnation that was deployed is still there.
 */
const recordSchema = runFileSchema.extend({
  /** What Terraform's state knows this start by. */
  incarnation: z.string().min(1),
});

export type RegionRecord = Readonly<z.output<typeof recordSchema>>;

/** Where everything of one deployed region lies, for its owner alone. */
export function embeddedFolder(folder: string, region: string): string {
  return join(folder, ".forge", "embedded", region);
}

function recordFile(folder: string, region: string): string {
  return join(embeddedFolder(folder, region), "run.json");
}

/** The region's own copy of forge.toml: what was deployed, whatever has been typed into forge.toml since. */
export function deployedConfigFile(folder: string, region: string): string {
  return join(embeddedFolder(folder, region), "forge.toml");
}

/** The region that runs in this folder now; undefined where none does, or its process is gone. */
export function runningRegion(folder: string, region: string): RegionRecord | undefined {
  const record = readRecord(recordFile(folder, region));
  return record !== undefined && processIsThere(record.pid, record.startedAtMs) ? record : undefined;
}

/** Every deployed region of the folder that runs now, in the order of their names. */
export function runningRegions(folder: string): readonly RegionRecord[] {
  const embedded = join(folder, ".forge", "embedded");
  const names = existsSync(embedded) ? readdirSync(embedded).sort() : [];
  return names.flatMap((name) => runningRegion(folder, name) ?? []);
}

/**
 * What the deployed region is known by in Terraform's state: that of the running one, so that nothing changes; else a
 * new one, so that the region is started anew.
 */
export function regionIncarnation(folder: string, region: string, fresh: () => string = newIncarnation): string {
  return runningRegion(folder, region)?.incarnation ?? fresh();
}

function newIncarnation(): string {
  return randomBytes(6).toString("hex");
}

/** Appears whole or not at all, with mode 0600 from its first moment. */
export function writeRegionRecord(folder: string, region: string, record: RegionRecord): void {
  writeWhole(recordFile(folder, region), `${JSON.stringify(recordSchema.parse(record), null, 2)}\n`);
}

/** As editors do it: a reader sees the old text or the new. */
export function writeDeployedConfig(folder: string, region: string, text: string): void {
  writeWhole(deployedConfigFile(folder, region), text);
}

/** Takes away what a region leaves behind once it has ended; volumes of worlds lie elsewhere and stay. */
export function removeEmbeddedFolder(folder: string, region: string): void {
  rmSync(embeddedFolder(folder, region), { recursive: true, force: true, maxRetries: 5 });
}

function readRecord(file: string): RegionRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
  return recordSchema.safeParse(value).data;
}

function writeWhole(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const partial = `${file}.${randomBytes(6).toString("hex")}.partial`;
  try {
    writeFileSync(partial, text, { mode: 0o600, flag: "wx" });
    chmodSync(partial, 0o600);
    renameSync(partial, file);
  } finally {
    rmSync(partial, { force: true });
  }
}
