import { linkSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { localPorts, type LocalPorts } from "../../config/local-ports";
import { isFree } from "../../protocol/free-ports";

/** Between the offsets of two slots: room for the game ports of two regions. */
const SLOT_SIZE = 4000;
const SLOTS = 6;
const WITHIN_MS = 120_000;
const ASK_EVERY_MS = 500;

/** An offset for FORGE_PORT_OFFSET that no other test on this machine has, and whose ports are free. */
export class PortSlot {
  private constructor(
    readonly offset: number,
    private readonly file: string,
  ) {}

  /**
   * Waits where other tests have them all.
   * @param regions that its ports are for, at most two
   */
  static async take(regions: number): Promise<PortSlot> {
    for (const deadlineMs = Date.now() + WITHIN_MS; Date.now() < deadlineMs; await pause(ASK_EVERY_MS)) {
      const slot = await PortSlot.look(regions);
      if (slot !== undefined) return slot;
    }
    throw new Error("every range of test ports is taken: see /tmp/forge-test-ports-*");
  }

  private static async look(regions: number): Promise<PortSlot | undefined> {
    for (let slot = 1; slot <= SLOTS; slot += 1) {
      const file = join(tmpdir(), `forge-test-ports-${String(slot)}`);
      if (!claim(file)) continue;
      const offset = slot * SLOT_SIZE;
      const ports = Array.from({ length: regions }, (_none, index) => fixedPorts(localPorts(index, offset))).flat();
      const free = await Promise.all(ports.map(isFree));
      if (free.every(Boolean)) return new PortSlot(offset, file);
      unlinkSync(file);
    }
    return undefined;
  }

  /** What programs under test are started with. */
  get env(): Readonly<Record<string, string>> {
    return { FORGE_PORT_OFFSET: String(this.offset) };
  }

  giveBack(): void {
    rmSync(this.file, { force: true });
  }
}

/** The file holds the number of the process that has the slot; one that is gone has none. */
function claim(file: string): boolean {
  const own = `${file}.${String(process.pid)}`;
  writeFileSync(own, String(process.pid));
  try {
    if (linked(own, file)) return true;
    const holder = holderOf(file);
    if (holder === undefined || isAlive(holder)) return false;
    // Moved away, not removed: another who saw the same may have the slot by now, and gets it back.
    const old = `${own}.old`;
    renameSync(file, old);
    const isStale = holderOf(old) === holder;
    if (!isStale) linked(old, file);
    rmSync(old);
    return isStale && linked(own, file);
  } catch {
    return false;
  } finally {
    rmSync(own, { force: true });
  }
}

/** Whether the new name could be had: of many who want it one gets it. */
function linked(file: string, name: string): boolean {
  try {
    linkSync(file, name);
    return true;
  } catch {
    return false;
  }
}

function holderOf(file: string): number | undefined {
  try {
    return Number(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function fixedPorts({ games: _games, ...ports }: LocalPorts): readonly number[] {
  return Object.values(ports);
}
