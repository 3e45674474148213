import { VirtualClock } from "../../protocol/virtual-clock";
import type { KubeObject } from "./objects";
import { ResourceView } from "./resource-view";
import { labelSelector } from "./selectors";
import { WatchStream, type WatchOptions } from "./watch-stream";

const clock = new VirtualClock(1_700_000_000_000);
let objects: Record<string, { readonly mode: string; readonly state?: string }>;
let view: ResourceView;
beforeEach(() => {
  objects = { s1: { mode: "duel" }, s2: { mode: "team" } };
  const kubeObject = ([name, { mode, state = "Ready" }]: [string, { mode: string; state?: string }]): KubeObject => ({
    apiVersion: "agones.dev/v1",
    kind: "GameServer",
    metadata: { name, namespace: "default", labels: { mode } },
    status: { state },
  });
  view = new ResourceView(() => Promise.resolve(Object.entries(objects).map(kubeObject)), clock);
});

interface Line {
  readonly type: string;
  readonly object: KubeObject & { readonly status?: { readonly state: string }; readonly code?: number };
}

async function watch(options: Partial<WatchOptions> = {}, first: readonly KubeObject[] = []) {
  const { version } = await view.list();
  const matches = labelSelector("");
  const all = { view, clock, matches, since: version, bookmarks: false, timeoutMs: undefined, ...options };
  const stream = new WatchStream(all, first);
  const lines: Line[] = [];
  stream.on("data", (text: Buffer) => lines.push(JSON.parse(text.toString()) as Line));
  return { stream, seen: () => lines.map(({ type, object }) => `${type} ${object.metadata.name}`), lines };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
async function second(): Promise<void> {
  clock.advance(1000);
  for (let i = 0; i < 4; i++) await turn();
}

it("tells what comes, changes and goes, and nothing else", async () => {
  const { seen, stream } = await watch();
  objects = { s1: { mode: "duel", state: "Allocated" }, s3: { mode: "duel" } };
  await second();
  expect(seen()).toEqual(["DELETED s2", "MODIFIED s1", "ADDED s3"]);
  await second();
  expect(seen()).toHaveLength(3);
  stream.destroy();
  await turn();
  // Nobody watches: nothing is looked at any more.
  objects = {};
  await second();
  expect((await view.list()).items).toEqual([]);
});

it("tells of an object that begins or ceases to fit as of one that comes or goes", async () => {
  const { seen, stream } = await watch({ matches: labelSelector("mode=duel") });
  objects = { s1: { mode: "team" }, s2: { mode: "duel" } };
  await second();
  expect(seen()).toEqual(["DELETED s1", "ADDED s2"]);
  stream.destroy();
});

it("goes on where a watcher was, and says that it is too long ago", async () => {
  const { version } = await view.list();
  objects = { ...objects, s3: { mode: "duel" } };
  await view.look();
  const again = await watch({ since: version });
  await turn();
  expect(again.seen()).toEqual(["ADDED s3"]);
  again.stream.destroy();
  for (const since of [version - 1_000_000, version + 1_000_000]) {
    const { lines } = await watch({ since });
    await turn();
    expect(lines).toMatchObject([{ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } }]);
  }
});

it("begins with what there is, gives bookmarks, and ends in time", async () => {
  const { items, version } = await view.list();
  const { seen, stream, lines } = await watch({ since: version, bookmarks: true, timeoutMs: 40_000 }, items);
  await turn();
  expect(seen()).toEqual(["ADDED s1", "ADDED s2"]);
  const ended = new Promise((resolve) => stream.once("end", resolve));
  clock.advance(30_000);
  await turn();
  expect(lines.at(-1)).toMatchObject({
    type: "BOOKMARK",
    object: { kind: "GameServer", metadata: { resourceVersion: String(version) } },
  });
  clock.advance(10_000);
  await ended;
});

it("drops a watcher that does not read", async () => {
  const { version } = await view.list();
  const all = { view, clock, matches: labelSelector(""), since: version, bookmarks: false, timeoutMs: undefined };
  const stream = new WatchStream(all, []);
  for (let i = 0; i < 6; i++) {
    objects = Object.fromEntries(Array.from({ length: 2000 }, (_, n) => [`s${n}`, { mode: "duel", state: `${i}` }]));
    await view.look();
  }
  expect(stream.destroyed).toBe(true);
});

it("gives a region larger than what may be left unread, and keeps no text of what is not asked for", async () => {
  objects = Object.fromEntries(Array.from({ length: 11_000 }, (_, n) => [`s${n}`, { mode: "x".repeat(500) }]));
  const { items, version } = await view.list();
  const { stream, seen } = await watch({ since: version }, items);
  while (seen().length < 11_000) await turn();
  stream.destroy();
  const all = { view, clock, matches: labelSelector(""), since: version, bookmarks: false, timeoutMs: undefined };
  const silent = new WatchStream(all, items);
  silent.read(0);
  await turn();
  expect(silent.readableLength).toBeLessThan(128 * 1024);
  silent.destroy();
});
