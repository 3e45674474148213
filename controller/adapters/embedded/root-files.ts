import { createHash } from "node:crypto";
import { lstatSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

/** Longer ones do not fit into the system's address of a unix socket. */
const MAX_SOCKET_PATH_BYTES = 100;

/** Where root and its clients find each other. */
export interface RootFiles {
  readonly socketPath: string;
  /** 0600: what a client must know beside the path. */
  readonly secretFile: string;
  /** JSON of who runs here: `RootRecord`. */
  readonly recordFile: string;
  readonly stateDir: string;
  readonly logFile: string;
}

/** Which root process a run folder belongs to. */
export interface RootRecord {
  readonly runId: string;
  readonly pid: number;
}

/** A deep run folder has its socket in a folder of this user among the temporary files, under a name made from its own. */
export function rootFiles(runDir: string): RootFiles {
  const folder = resolve(runDir);
  const near = join(folder, "root.sock");
  const name = createHash("sha256").update(folder).digest("hex").slice(0, 16);
  const far = join(tmpdir(), `forge-${userId()}`, `${name}.sock`);
  return {
    socketPath: Buffer.byteLength(near) <= MAX_SOCKET_PATH_BYTES ? near : far,
    secretFile: join(folder, "root.secret"),
    recordFile: join(folder, "root.json"),
    stateDir: join(folder, "state"),
    logFile: join(folder, "logs", "root.log"),
  };
}

/**
 * Makes the folders that root needs. The socket's may be among everybody's temporary files, so it must be ours alone.
 *
 * @throws {Error} where the socket's folder belongs to somebody else or is open to others
 */
export function makeRootFolders(files: RootFiles): void {
  for (const folder of [dirname(files.recordFile), dirname(files.socketPath)]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }
  mkdirSync(dirname(files.logFile), { recursive: true });
  const folder = dirname(files.socketPath);
  const { uid, mode } = lstatSync(folder);
  if (uid === userId() && (mode & 0o022) === 0) return;
  throw new Error(
    `${folder} must belong to this user and not be writable to others: remove it, or choose a run folder`,
  );
}

/** -1 where the system has none. */
function userId(): number {
  return process.getuid?.() ?? -1;
}
