import * as fs from "node:fs";
import { join } from "node:path";
import type { Clock } from "../protocol/clock";
import type { Dialling } from "../protocol/socket-dialler";

export interface GateFolderDeps {
  readonly folder: string;
  /** Keeps a channel to the gate of one socket; `onFailure` hears why an attempt failed. */
  readonly dial: (socket: string, onFailure: (reason: string) => void) => Dialling;
  readonly clock: Clock;
  /** The machine's own unless told. */
  readonly disk?: Pick<typeof fs, "readdirSync" | "statSync" | "rmSync">;
}

const LOOK_EVERY_MS = 1000;
/** A socket that is being made refuses for an instant too. */
const LEFT_BEHIND_MS = 60_000;

/**
 * Keeps the agent connected to every gate that has a socket (`*.sock`) in a folder: gates come to stand beside those
 * before them, and take their socket away when they end. What a killed gate left behind is removed once nobody has
 * listened on it for a minute.
 */
export function followGateFolder({ folder, dial, clock, disk = fs }: GateFolderDeps): Dialling {
  const dialled = new Map<string, Dialling>();
  let cancel: () => void = () => undefined;

  const sockets = (): readonly string[] => {
    try {
      return disk.readdirSync(folder).filter((name) => name.endsWith(".sock"));
    } catch {
      // No gate has run here yet.
      return [];
    }
  };
  const failed = (socket: string, reason: string): void => {
    if (!reason.includes("ECONNREFUSED")) return;
    try {
      if (clock.now() - disk.statSync(socket).mtimeMs > LEFT_BEHIND_MS) disk.rmSync(socket, { force: true });
    } catch {
      // Somebody else was faster.
    }
  };
  const look = (): void => {
    const there = new Set(sockets());
    for (const [name, dialling] of dialled) {
      if (there.has(name)) continue;
      dialled.delete(name);
      dialling.close();
    }
    for (const name of there) {
      if (dialled.has(name)) continue;
      const socket = join(folder, name);
      dialled.set(
        name,
        dial(socket, (reason) => failed(socket, reason)),
      );
    }
    cancel = clock.after(LOOK_EVERY_MS, look);
  };
  look();
  return {
    close: () => {
      cancel();
      for (const dialling of dialled.values()) dialling.close();
    },
  };
}
