import type { JournalDisk } from "../agent/journal/journal-disk";
import { Killed, type Process } from "./process";
import type { Random } from "./random";

/** Told of what has become of a file; `anew` where another has taken its place. */
export type DiskWatcher = (path: string, content: Buffer, anew: boolean) => void;

const LOST_BYTES = 400;
const MOST_ROOM = 200;

/**
 * A node's disk. It outlives the processes that write to it. It can be full, and it can lose the end of the write during
 * which its process is killed; both as the journal has to expect it.
 */
export class VirtualDisk {
  readonly files = new Map<string, Buffer>();
  full = false;
  /** Bytes that a full disk still takes in before it says so. */
  private room = 0;
  /** The next write takes in only a part, and kills who writes. */
  tearNext: Process | undefined;
  onWritten: DiskWatcher = () => undefined;
  private readonly open = new Map<number, { path: string; readonly process: Process }>();
  private nextFile = 3;

  constructor(private readonly random: Random) {}

  /** The disk as one process sees it: after its end every call fails. */
  for(process: Process): JournalDisk {
    const alive = (): void => {
      if (!process.alive) throw new Killed(process.name);
    };
    const disk = {
      mkdirSync: () => {
        alive();
        return undefined;
      },
      openSync: (path: string, flags: string) => {
        alive();
        return this.openFile(path, flags, process);
      },
      closeSync: (file: number) => {
        alive();
        this.open.delete(file);
      },
      readFileSync: (path: string) => {
        alive();
        return Buffer.from(this.file(path));
      },
      ftruncateSync: (file: number, length: number) => {
        alive();
        const path = this.pathOf(file);
        this.put(path, Buffer.from(this.file(path).subarray(0, length)));
      },
      renameSync: (from: string, to: string) => {
        alive();
        const content = this.file(from);
        this.files.delete(from);
        for (const open of this.open.values()) if (open.path === from) open.path = to;
        this.put(to, content, true);
      },
      rmSync: (path: string) => {
        alive();
        this.files.delete(path);
      },
      writeSync: (file: number, content: Buffer, offset: number, length: number, position: number) => {
        alive();
        return this.write(this.pathOf(file), content.subarray(offset, offset + length), position, process);
      },
    };
    return disk as unknown as JournalDisk;
  }

  /** Power was lost: the ends of files that nobody had flushed may be gone. */
  loseTail(): void {
    for (const [path, content] of this.files) {
      const lost = Math.min(this.random.int(LOST_BYTES), content.length);
      this.put(path, content.subarray(0, content.length - lost));
    }
  }

  private write(path: string, bytes: Buffer, position: number, process: Process): number {
    const torn = this.tearNext === process;
    if (this.full && !torn && this.room === 0) {
      this.room = this.random.int(MOST_ROOM);
      throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    }
    // A disk that fills up takes in a part first, and so does one whose writer is killed.
    const most = torn
      ? this.random.int(bytes.length)
      : this.full
        ? Math.min(this.room, bytes.length - 1)
        : bytes.length;
    if (this.full && !torn) this.room = 0;
    const taken = bytes.subarray(0, most);
    const before = this.file(path);
    this.put(path, Buffer.concat([before.subarray(0, position), taken, before.subarray(position + most)]));
    if (!torn) return most;
    this.tearNext = undefined;
    process.end();
    throw new Killed(process.name);
  }

  private openFile(path: string, flags: string, process: Process): number {
    if (flags === "r+" && !this.files.has(path))
      throw Object.assign(new Error(`ENOENT: no such file, open '${path}'`), { code: "ENOENT" });
    if (flags === "w+") this.files.set(path, Buffer.alloc(0));
    const file = this.nextFile++;
    this.open.set(file, { path, process });
    return file;
  }

  private put(path: string, content: Buffer, anew = false): void {
    this.files.set(path, content);
    this.onWritten(path, content, anew);
  }

  private file(path: string): Buffer {
    const content = this.files.get(path);
    if (!content) throw Object.assign(new Error(`ENOENT: no such file '${path}'`), { code: "ENOENT" });
    return content;
  }

  private pathOf(file: number): string {
    const open = this.open.get(file);
    if (!open) throw new Error(`EBADF: file ${String(file)} is not open`);
    return open.path;
  }
}
