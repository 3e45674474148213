import { statfs } from "node:fs/promises";
import type { Clock } from "../../protocol/clock";
import type { Finding } from "../finding";
import { Looks } from "./looks";

/** What of a file system counts, in its own blocks, as `statfs` tells. */
export interface DiskBlocks {
  readonly blocks: number;
  /** Free at all, and free for programs that are not root's. */
  readonly bfree: number;
  readonly bavail: number;
}

export interface DiskSamplerDeps {
  readonly clock: Clock;
  /** The agent's own, where its journal lies: the node's disk. A node that cannot write grants no seats. */
  readonly folder?: string | undefined;
  /** Between two looks, milliseconds. 10,000 unless told. */
  readonly intervalMs?: number;
  /** The machine's own unless told. */
  readonly statfs?: (path: string) => Promise<DiskBlocks>;
}

export interface DiskOwner {
  /** A process of the server: through it its folders are found, whatever root it has. */
  readonly pid: number;
  /** Where the server finds its volumes, as forge.toml says. */
  readonly volumes: readonly string[];
}

type DiskReport = (finding: Extract<Finding, { kind: "disk" }>) => void;

interface WatchedDisk {
  readonly owner: DiskOwner;
  readonly report: DiskReport;
}

/**
 * How full the disks are that servers write to: of each server its working folder, its volumes and the agent's own folder,
 * the fullest counts. One look in ten seconds, one question at a time: a disk that does not answer (a network share that
 * is gone) then holds up one of this process's threads, and the looks after it, but nothing else.
 */
export class DiskSampler {
  readonly #looks: Looks<WatchedDisk>;
  readonly #statfs: (path: string) => Promise<DiskBlocks>;

  constructor(private readonly deps: DiskSamplerDeps) {
    const { clock, intervalMs = 10_000 } = deps;
    this.#statfs = deps.statfs ?? statfs;
    this.#looks = new Looks({ clock, intervalMs, look: (watched) => this.#sample(watched) });
  }

  /** @returns ends it */
  watch(owner: DiskOwner, report: DiskReport): () => void {
    return this.#looks.watch({ owner, report });
  }

  async #sample(watched: readonly WatchedDisk[]): Promise<void> {
    const { folder } = this.deps;
    const own = folder === undefined ? undefined : await this.#used(folder);
    const node = own === undefined ? [] : [{ used: own, folder: folder ?? "" }];
    for (const each of watched) {
      const found = [...node, ...(await this.#ofServer(each.owner))];
      const fullest = found.sort((a, b) => b.used - a.used)[0];
      if (fullest && this.#looks.has(each)) each.report({ kind: "disk", ...fullest });
    }
  }

  async #ofServer({ pid, volumes }: DiskOwner): Promise<{ used: number; folder: string }[]> {
    const at = `/proc/${String(pid)}`;
    const found: { used: number; folder: string }[] = [];
    const cwd = await this.#used(`${at}/cwd`);
    if (cwd !== undefined) found.push({ used: cwd, folder: "its working folder" });
    for (const volume of volumes) {
      // On this machine's own engine a volume lies below the working folder, else where the server's root has it.
      const used = (await this.#used(`${at}/cwd${volume}`)) ?? (await this.#used(`${at}/root${volume}`));
      if (used !== undefined) found.push({ used, folder: volume });
    }
    return found;
  }

  /** As `df` counts: of what programs may have. Undefined where it cannot be told. */
  async #used(path: string): Promise<number | undefined> {
    try {
      const { blocks, bfree, bavail } = await this.#statfs(path);
      const taken = blocks - bfree;
      return taken + bavail > 0 ? taken / (taken + bavail) : undefined;
    } catch {
      return undefined;
    }
  }
}
