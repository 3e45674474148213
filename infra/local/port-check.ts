import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createServer } from "node:net";
import { InfraError } from "../failure";

/**
 * @throws {InfraError} `portTaken` naming each port that somebody listens on, what it is for, and by whom as far as the
 *   system tells
 */
export async function requireFreePorts(
  ports: readonly { readonly port: number; readonly use: string }[],
): Promise<void> {
  const free = await Promise.all(ports.map(({ port }) => isFree(port)));
  const taken = ports.filter((_each, at) => free[at] === false);
  if (taken.length === 0) return;
  const named = taken.map(({ port, use }) => {
    const holder = holderOf(port);
    return `${String(port)} (${use})${holder === undefined ? "" : ` by ${holder}`}`;
  });
  const message = `port${taken.length === 1 ? "" : "s"} taken on 127.0.0.1: ${named.join(", ")}`;
  const fix = "end what holds it, or move the region's ports with FORGE_PORT_OFFSET, the same for every command";
  throw new InfraError("portTaken", message, fix);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** `nomad (process 123)`, from the tables of /proc; undefined where they do not tell. */
function holderOf(port: number): string | undefined {
  const inodes = listeners(port);
  if (inodes.size === 0) return undefined;
  for (const pid of list("/proc").filter((name) => /^\d+$/.test(name))) {
    const holds = list(`/proc/${pid}/fd`).some((fd) => {
      const inode = /^socket:\[(\d+)\]$/.exec(link(`/proc/${pid}/fd/${fd}`))?.[1];
      return inode !== undefined && inodes.has(inode);
    });
    if (holds) return `${text(`/proc/${pid}/comm`).trim()} (process ${pid})`;
  }
  return undefined;
}

const LISTEN = "0A";

function listeners(port: number): ReadonlySet<string> {
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  const rows = ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((file) => text(file).split("\n").slice(1));
  const found = rows.flatMap((row) => {
    const columns = row.trim().split(/\s+/);
    return columns[1]?.endsWith(`:${wanted}`) && columns[3] === LISTEN ? [columns[9] ?? ""] : [];
  });
  return new Set(found);
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

function text(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
