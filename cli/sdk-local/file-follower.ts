import { watch } from "node:fs";
import { basename, dirname } from "node:path";
import { randomUUID } from "node:crypto";
import type { Desk } from "./desk";
import { wholeServer } from "./desk-orders";
import { readGameServerFile, type DeskServer } from "./game-server-file";
import { errorMessage } from "../error-code";

const QUIET_MS = 100;

/**
 * Makes the desk's server what its file says, each time the file is written; as Agones' local mode, whose users change
 * `status.state` to see what their server does when it is allocated. A file that is no good leaves everything as it was.
 * @returns ends it
 */
export function followFile(
  desk: Desk,
  path: string,
  shown: string,
  say: (line: string, ok: boolean) => void,
): () => void {
  let timer: NodeJS.Timeout | undefined;
  let last = JSON.stringify(desk.server);
  const look = async (): Promise<void> => {
    try {
      const now = readGameServerFile(path, shown);
      if (JSON.stringify(now) === last) return;
      last = JSON.stringify(now);
      const before = desk.server;
      desk.server = now;
      const changed = await becomes(desk, before, now);
      say(
        changed.length > 0 ? `${shown}: ${changed.join(", ")}` : `${shown} changed: counts from the next start on`,
        true,
      );
    } catch (error) {
      say(errorMessage(error), false);
    }
  };
  // The folder, not the file: editors put a new one in its place.
  const watcher = watch(dirname(path), (_event, name) => {
    if (name !== null && name !== basename(path)) return;
    clearTimeout(timer);
    timer = setTimeout(() => void look(), QUIET_MS);
  });
  return () => {
    clearTimeout(timer);
    watcher.close();
  };
}

/** What may change of a server that runs. @returns what did */
async function becomes(desk: Desk, before: DeskServer, now: DeskServer): Promise<readonly string[]> {
  const changed: string[] = [];
  const labels = changes(before.labels, now.labels);
  const annotations = changes(before.annotations, now.annotations);
  if (Object.keys({ ...labels, ...annotations }).length > 0) {
    await desk.ask({ kind: "labels", labels, annotations });
    changed.push("labels and annotations");
  }
  for (const [name, { count, capacity }] of Object.entries(now.counters)) {
    if (same(before.counters[name], now.counters[name])) continue;
    await desk.call(`v1beta1/counters/${encodeURIComponent(name)}`, { count, capacity }, "PATCH");
    changed.push(`counter ${name}`);
  }
  for (const [name, { capacity, values }] of Object.entries(now.lists)) {
    if (same(before.lists[name], now.lists[name])) continue;
    await desk.call(`v1beta1/lists/${encodeURIComponent(name)}`, { capacity, values }, "PATCH");
    changed.push(`list ${name}`);
  }
  if (now.state !== before.state && now.state !== undefined) {
    if (now.state === "Allocated") {
      const ack = await desk.ask(wholeServer(`match-${randomUUID().slice(0, 8)}`));
      if (!ack.ok) throw new Error(`it cannot be Allocated: ${ack.detail}`);
    } else await desk.call(now.state === "Reserved" ? "reserve" : now.state.toLowerCase());
    changed.push(now.state);
  }
  return changed;
}

type Texts = Readonly<Record<string, string>>;

function changes(before: Texts, now: Texts): Record<string, string | null> {
  const gone = Object.keys(before).filter((key) => !Object.hasOwn(now, key));
  const set = Object.entries(now).filter(([key, value]) => before[key] !== value);
  return Object.fromEntries([...gone.map((key) => [key, null] as const), ...set]);
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
