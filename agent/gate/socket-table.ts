import { closeSync, openSync, readSync } from "node:fs";

/** The kernel gives a page a read; after so many of them others get a turn. */
const SLICE = 16;
const page = Buffer.alloc(4096);

/** The two ends of a connection on loopback, seen from the first. */
export interface SocketPorts {
  readonly local: number;
  readonly remote: number;
}

/**
 * Looks a socket up in `/proc/net/tcp` or its like, a page at a time: the table of a busy node is long, and would be taken
 * into memory whole for each connection to be checked. Synchronous, as `ProcTable` reads, and for the same reason.
 * @returns its inode; undefined where it is not in there, or the table cannot be read
 */
export async function findSocket(file: string, ports: SocketPorts): Promise<string | undefined> {
  let table: number | undefined;
  try {
    table = openSync(file, "r");
    let begun = "";
    for (let reads = 1; ; reads += 1) {
      const length = readSync(table, page);
      if (length === 0) return undefined;
      const text = begun + page.toString("latin1", 0, length);
      const lines = text.lastIndexOf("\n") + 1;
      const inode = socketInode(text.slice(0, lines), ports);
      if (inode !== undefined) return inode;
      begun = text.slice(lines);
      if (reads % SLICE === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  } catch {
    return undefined;
  } finally {
    if (table !== undefined) closeSync(table);
  }
}

/**
 * The inode of a socket, from whole lines of `/proc/net/tcp`: columns `sl local_address rem_address st … inode`, addresses
 * as `HEX:PORT`. A socket that nobody holds any more has none.
 */
function socketInode(lines: string, { local, remote }: SocketPorts): string | undefined {
  const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, "0");
  const wanted = new RegExp(`^ *\\d+: [0-9A-F]+:${hex(local)} [0-9A-F]+:${hex(remote)} (.*)$`, "m");
  const rest = wanted.exec(lines)?.[1];
  // After the two addresses: st, queues, timer, retransmissions, uid, timeout, inode.
  const inode = rest?.trim().split(/\s+/)[6];
  return inode === "0" ? undefined : inode;
}
