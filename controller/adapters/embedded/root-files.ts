import { createHash } from "node:crypto";
import { tmpdir, userInfo } from "node:os";
import { join, resolve } from "node:path";

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

/** A deep run folder has its socket in the folder for temporary files, under a name made from its own. */
export function rootFiles(runDir: string): RootFiles {
  const folder = resolve(runDir);
  const near = join(folder, "root.sock");
  const name = createHash("sha256").update(folder).digest("hex").slice(0, 16);
  const far = join(tmpdir(), `forge-${userInfo().uid}-${name}.sock`);
  return {
    socketPath: Buffer.byteLength(near) <= MAX_SOCKET_PATH_BYTES ? near : far,
    secretFile: join(folder, "root.secret"),
    recordFile: join(folder, "root.json"),
    stateDir: join(folder, "state"),
    logFile: join(folder, "logs", "root.log"),
  };
}
