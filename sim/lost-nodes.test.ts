import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ForgeEvent } from "../controller/core/resources";
import type { VirtualNode } from "./node";
import type { VirtualRegion } from "./region";
import { USUAL_SIZE, World } from "./world";

// As for the other tests of the virtual world: half a minute beside a handful of busy programs.
jest.setTimeout(600_000);

/**
 * What becomes of a node that nobody hears of, step by step, with real controllers, agents and messages in virtual time: which
 * event is told, and how long after the first thing went wrong. `docs/health.md` shows the same table.
 */

interface Told {
  readonly atMs: number;
  readonly event: ForgeEvent;
}

class Scene {
  readonly told: Told[] = [];
  beganMs = 0;

  private constructor(
    readonly world: World,
    readonly region: VirtualRegion,
    readonly node: VirtualNode,
    /** What runs on it when the scene begins. */
    readonly servers: ReadonlySet<string>,
  ) {}

  /** A world in which all is well, and one of its nodes, with players on it. */
  static async open(): Promise<Scene> {
    const world = new World(14, { ...USUAL_SIZE, players: 8 });
    world.start();
    const [region] = world.regions;
    await world.runFor(15_000);
    // Nobody moves anybody by hand any more, and who was being moved has come.
    for (const crowd of world.crowds) crowd.rest();
    await world.runFor(6000);
    const node = region?.nodes.find(({ servers }) => [...servers.values()].some(({ inside }) => inside.size > 0));
    if (!region || !node) throw new Error("nobody plays in this world: take another seed");
    const scene = new Scene(world, region, node, new Set(node.servers.keys()));
    scene.beganMs = world.schedule.nowMs;
    world.watches.push({
      onDecision: (_region, host, _input, decision) => {
        if (decision.type !== "event" || host !== region.leader) return;
        scene.told.push({ atMs: world.schedule.nowMs - scene.beganMs, event: decision.event });
      },
    });
    return scene;
  }

  get controllers(): string[] {
    return this.region.controllers.map(({ host }) => host);
  }

  /** Nothing gets from the node to these, nor, unless it is one way only, from these to it. */
  cut(hosts: readonly string[], ways: "both" | "from the node" | "to the node"): () => void {
    const { network } = this.world;
    const { host } = this.node;
    const mends = hosts.flatMap((other) => [
      ...(ways === "to the node" ? [] : [network.cut(host, other)]),
      ...(ways === "from the node" ? [] : [network.cut(other, host)]),
    ]);
    return () => mends.forEach((mend) => mend());
  }

  /** Within how long after `sinceMs` the first event of a type came that tells of this node. */
  after(type: ForgeEvent["type"], sinceMs = 0): string {
    const first = this.told.find(({ event, atMs }) => event.type === type && atMs >= sinceMs && this.isOurs(event));
    return first ? `${String(Math.ceil((first.atMs - sinceMs) / 1000))} s` : "never";
  }

  private isOurs(event: ForgeEvent): boolean {
    if (event.type === "session.moved") return this.servers.has(String(event.detail?.["fromServerId"]));
    return "detail" in event && event.detail?.["nodeId"] === this.node.nodeId;
  }

  async passes(ms: number): Promise<number> {
    await this.world.runFor(ms);
    expect(this.world.violations).toEqual([]);
    return this.world.schedule.nowMs - this.beganMs;
  }
}

type Row = readonly [what: string, suspect: string, down: string, moved: string, back: string];

/** Says how it went: after the begin of it, and `back` after its end. */
async function silence(what: string, ways: Parameters<Scene["cut"]>[1], hosts: "controllers" | "all"): Promise<Row> {
  const scene = await Scene.open();
  const mend = scene.cut(hosts === "all" ? [...scene.controllers, scene.region.nomad.host] : scene.controllers, ways);
  const endMs = await scene.passes(20_000);
  mend();
  await scene.passes(20_000);
  const back = scene.after("node.connected", endMs);
  return [what, scene.after("node.suspect"), scene.after("node.down"), scene.after("session.moved"), back];
}

async function lost(what: string): Promise<Row> {
  const scene = await Scene.open();
  scene.node.losePower();
  const endMs = await scene.passes(20_000);
  scene.node.boot();
  await scene.passes(20_000);
  const back = scene.after("node.connected", endMs);
  return [what, scene.after("node.suspect"), scene.after("node.down"), scene.after("session.moved"), back];
}

const CASES: readonly (readonly [what: string, row: (what: string) => Promise<Row>])[] = [
  ["no controller hears its agent, Nomad does (both ways cut)", (what) => silence(what, "both", "controllers")],
  ["the same, only the way from the agent cut", (what) => silence(what, "from the node", "controllers")],
  ["the same, only the way to the agent cut", (what) => silence(what, "to the node", "controllers")],
  ["neither controllers nor Nomad reach the node; it runs on", (what) => silence(what, "both", "all")],
  ["the node has lost its power", lost],
];

it.each(CASES)("%s: within the times of docs/health.md", async (what, row) => {
  const page = readFileSync(join(__dirname, "..", "docs", "health.md"), "utf8");
  const said = page.split("\n").find((line) => line.startsWith(`| ${what} |`));
  const within = (said ?? "").split("|").slice(2, -1).map(seconds);
  const [, ...measured] = await row(what);
  expect(within).toHaveLength(measured.length);
  measured.forEach((cell, at) => {
    if (within[at] === Infinity) expect(cell).toBe("never");
    else expect(seconds(cell)).toBeLessThanOrEqual(within[at] ?? 0);
  });
});

function seconds(cell: string): number {
  return cell.trim() === "never" ? Infinity : parseFloat(cell);
}

it("has nobody in two places when a node comes back from the dead whose players were moved: the higher generation stays", async () => {
  const scene = await Scene.open();
  const mend = scene.cut([...scene.controllers, scene.region.nomad.host], "both");
  await scene.passes(20_000);
  const moved = scene.told.flatMap(({ event }) =>
    event.type === "session.moved" && scene.servers.has(String(event.detail?.["fromServerId"])) ? [event] : [],
  );
  expect(moved.length).toBeGreaterThan(0);
  mend();
  await scene.passes(20_000);
  for (const { sessionId, detail } of moved) {
    const seats = scene.region.nodes.flatMap(({ truth }) =>
      [...truth.servers.values()].flatMap((server) => {
        const seat = server.gone === undefined ? server.seats.get(sessionId) : undefined;
        return seat ? [{ seat, server }] : [];
      }),
    );
    expect(seats.length).toBeLessThanOrEqual(1);
    expect(scene.servers).not.toContain(detail?.["toServerId"]);
    for (const { seat } of seats) expect(seat.generation).toBeGreaterThanOrEqual(2);
  }
});

it("moves the players of a node that is lost with the leader in the same moment: a standby knows who came after it was told of all seats", async () => {
  const scene = await Scene.open();
  const { region, node, servers } = scene;
  const playing = [...node.servers.values()].flatMap(({ inside }) =>
    [...inside.values()].map((seat) => seat.sessionId),
  );
  const lost: string[] = [];
  scene.world.watches.push({ toldEnd: (_player, sessionId) => lost.push(sessionId) });
  const before = region.leader;
  node.losePower();
  before?.kill();
  await scene.passes(30_000);
  expect(region.leader).not.toBe(before);
  const moved = scene.told.flatMap(({ event }) =>
    event.type === "session.moved" && servers.has(String(event.detail?.["fromServerId"])) ? [event.sessionId] : [],
  );
  expect(playing.length).toBeGreaterThan(0);
  expect(moved).toEqual(expect.arrayContaining(playing));
  expect(lost.filter((sessionId) => playing.includes(sessionId))).toEqual([]);
});
