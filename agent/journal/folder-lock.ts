import { createHash } from "node:crypto";
import { readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { join } from "node:path";

export interface FolderLock {
  release(): Promise<void>;
}

/** Another process uses the folder. */
export class FolderLocked extends Error {
  constructor(folder: string, holder: string) {
    super(
      `journal folder ${folder} is in use by ${holder}: stop that agent first, or give this one a folder of its own`,
    );
    this.name = "FolderLocked";
  }
}

const TRIES = 3;
const ANSWER_WITHIN_MS = 500;

/**
 * Holds a folder for as long as this process lives, however it ends.
 *
 * On Linux by a socket in the abstract namespace, which the kernel takes back with the process: no file is left behind and
 * no process id can be mistaken for another's. It does not reach into another network namespace; Nomad runs the agent in
 * the host's. Elsewhere by a file with the process id in it, which counts only while that process lives.
 *
 * @throws {FolderLocked} naming the holder
 */
export async function lockFolder(folder: string, platform: NodeJS.Platform = process.platform): Promise<FolderLock> {
  const path = realpathSync(folder);
  return platform === "linux" ? lockBySocket(path) : lockByFile(path);
}

async function lockBySocket(folder: string): Promise<FolderLock> {
  const name = `\0forge-journal-${createHash("sha256").update(folder).digest("hex").slice(0, 48)}`;
  let holder: string | undefined;
  // The holder may end between the two steps, so a holder that nobody finds is asked for again.
  for (let tries = 0; tries < TRIES; tries++) {
    const lock = await tryListen(name);
    if (lock) return lock;
    holder = await askHolder(name);
    if (holder !== undefined) break;
  }
  throw new FolderLocked(folder, holder ?? "a process that does not say who it is");
}

function tryListen(name: string): Promise<FolderLock | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.end(`process ${process.pid}`);
    });
    server.unref();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(undefined);
      else reject(error);
    });
    server.listen(name, () => {
      resolve({ release: () => new Promise((released) => server.close(() => released())) });
    });
  });
}

function askHolder(name: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = createConnection(name);
    socket.setTimeout(ANSWER_WITHIN_MS, () => socket.destroy());
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => (answer += text));
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(/^process \d{1,10}/.exec(answer)?.[0]));
  });
}

function lockByFile(folder: string): FolderLock {
  const path = join(folder, "agent.lock");
  for (let tries = 0; tries < TRIES; tries++) {
    try {
      writeFileSync(path, String(process.pid), { flag: "wx", mode: 0o600 });
      return {
        release: () => {
          rmSync(path, { force: true });
          return Promise.resolve();
        },
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const holder = Number(readFileSync(path, "utf8"));
    if (holder > 0 && isAlive(holder)) throw new FolderLocked(folder, `process ${holder}`);
    rmSync(path, { force: true });
  }
  throw new FolderLocked(folder, `a process that keeps writing ${path}`);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
