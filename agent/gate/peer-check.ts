import { readFile, readdir, readlink } from "node:fs/promises";
import { membersOf, type ProcessTable } from "../stats/process-table";
import { findSocket } from "./socket-table";

/** A connection on loopback, seen from the gate. */
export interface Peer {
  /** The gate's end. */
  readonly port: number;
  /** The caller's end. */
  readonly callerPort: number;
  /** Root processes of the game server that the port is for. */
  readonly pids: readonly number[];
}

/** `unknown` wherever the system does not show enough to be sure; only `foreign` is ever refused. */
export type PeerVerdict = "member" | "foreign" | "unknown";
export type PeerCheck = (peer: Peer) => Promise<PeerVerdict>;

/**
 * Whose process is at the other end of a connection, by Linux's `/proc`: the caller's socket has an inode, and some
 * process holds a descriptor of it. A member descends from one of the server's pids, shares a process group or session
 * that one of them leads, or shares their control group where that is not the gate's own. Foreign is only what was seen
 * at another process while all of the server's own could be looked into.
 */
export class ProcPeerCheck {
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly processes: ProcessTable,
    private readonly root = "/proc",
  ) {}

  /** One look at a time: each may read the descriptors of every process. */
  readonly check: PeerCheck = (peer) => {
    const verdict = this.#last.then(() => this.#look(peer)).catch((): PeerVerdict => "unknown");
    this.#last = verdict;
    return verdict;
  };

  async #look(peer: Peer): Promise<PeerVerdict> {
    const inode = await this.#inodeOf(peer);
    if (inode === undefined) return "unknown";
    // Nearly always it is one of these, and then nobody needs to look through all processes for their descendants.
    for (const pid of peer.pids) if ((await this.#holds(pid, inode)) === true) return "member";
    const rows = await this.processes.list(peer.pids);
    const members = membersOf(rows, new Map(peer.pids.map((pid) => [pid, true])));
    if (members.size === 0) return "unknown";

    let sawAll = true;
    for (const pid of members.keys()) {
      const holds = await this.#holds(pid, inode);
      if (holds === true) return "member";
      if (holds === undefined) sawAll = false;
    }
    if (!sawAll) return "unknown";
    for (const { pid } of rows) {
      if (!members.has(pid) && (await this.#holds(pid, inode)) === true) {
        return (await this.#shareControlGroup(pid, peer.pids)) ? "member" : "foreign";
      }
    }
    return "unknown";
  }

  /** A caller may have opened an IPv6 socket and reached 127.0.0.1 through it. */
  async #inodeOf({ port, callerPort }: Peer): Promise<string | undefined> {
    for (const table of ["tcp", "tcp6"]) {
      const inode = await findSocket(`${this.root}/self/net/${table}`, { local: callerPort, remote: port });
      if (inode !== undefined) return inode;
    }
    return undefined;
  }

  /** Undefined where its descriptors cannot be read, though the process may have just ended. */
  async #holds(pid: number, inode: string): Promise<boolean | undefined> {
    const folder = `${this.root}/${pid}/fd`;
    const descriptors = await readdir(folder).catch(() => undefined);
    if (descriptors === undefined) return undefined;
    for (const descriptor of descriptors) {
      const target = await readlink(`${folder}/${descriptor}`).catch(() => "");
      if (target === `socket:[${inode}]`) return true;
    }
    return false;
  }

  async #shareControlGroup(caller: number, pids: readonly number[]): Promise<boolean> {
    const groupOf = (pid: number | "self") => readFile(`${this.root}/${pid}/cgroup`, "utf8").catch(() => undefined);
    const [own, callers] = await Promise.all([groupOf("self"), groupOf(caller)]);
    if (callers === undefined || callers === own) return false;
    const servers = await Promise.all(pids.map(groupOf));
    return servers.includes(callers);
  }
}
