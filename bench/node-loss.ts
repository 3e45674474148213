/**
 * A node is lost with all that it ran, again and again, with players on: the process that is its agent and its servers gets
 * SIGSTOP, as a machine that has no power says nothing more either. Until its servers are suspect, which moves nobody; then
 * the engine says that the node is down, and until all its players are told where they are now
 * (`GET /v1/sessions/ID?wait=`). How long an engine takes to say so is its own: Nomad by its heartbeat 10 to 20 s. Controller and agents are real, each a process; engine and servers are doubles. The embedded
 * engine has one node, which is lost with everything.
 *
 *   npx tsx bench/node-loss.ts [--rounds 5] [--players 1000]
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Pool } from "undici";
import { bundle } from "./bundle";
import { distribution } from "./distribution";
import { EventEar } from "./event-ear";
import { tellFigure } from "./figure";
import { EXPERIENCE } from "./fixed-fleet";
import { runInFolder } from "./in-folder";
import { machineLine } from "./machine";
import { VirtualRegion } from "./virtual-region";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "5" }, players: { type: "string", default: "1000" } },
});
const rounds = Number(values.rounds);
const players = Number(values.players);
const SEATS = 10;
/** What is left when each round has taken one has room for all. */
const NODES = rounds + 2;
const SERVERS = NODES * Math.ceil(players / SEATS / 2);
const AT_ONCE = 50;
/** For the waits to be open, milliseconds. */
const REST_MS = 500;

interface Place {
  readonly session: { readonly id: string; readonly playerId: string; readonly generation: number };
  readonly server: { readonly id: string };
  readonly ticket: string;
}

class Players {
  private readonly pool: Pool;
  private readonly places = new Map<string, Place>();

  constructor(private readonly region: VirtualRegion) {
    this.pool = new Pool(`http://127.0.0.1:${region.port}`, { bodyTimeout: 0, headersTimeout: 0 });
  }

  async come(): Promise<void> {
    const names = Array.from({ length: players }, (_, n) => `player-${n}`).values();
    const worker = async (): Promise<void> => {
      for (const playerId of names)
        this.places.set(playerId, await this.ask("POST", "/v1/sessions", { playerId, experienceId: EXPERIENCE }));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    await this.join([...this.places.values()]);
  }

  /** Whose place is on one of these servers. */
  on(servers: ReadonlySet<string>): readonly Place[] {
    return [...this.places.values()].filter(({ server }) => servers.has(server.id));
  }

  /** Waits until a player is told another place. @returns it, and when that was by `performance.now()` */
  async follow({ session: { id, generation } }: Place): Promise<{ readonly place: Place; readonly toldMs: number }> {
    for (;;) {
      const path = `/v1/sessions/${id}?wait=25&generation=${generation}`;
      const next = await this.ask<Place | { readonly server: null; readonly session: Place["session"] }>("GET", path);
      if (next.server === null || next.session.generation === generation) continue;
      const toldMs = performance.now();
      this.places.set(next.session.playerId, next);
      return { place: next, toldMs };
    }
  }

  /** @throws {Error} where a server lets somebody not in */
  async join(places: readonly Place[]): Promise<void> {
    const entries = places.map(({ server, session, ticket }) => {
      return { serverId: server.id, playerId: session.playerId, ticket };
    });
    const admitted = await Promise.all(this.region.agents.map((agent) => agent.ask<number>("join", entries)));
    const sum = admitted.reduce((all, each) => all + each, 0);
    if (sum !== places.length) throw new Error(`${sum} of ${places.length} players were let in`);
  }

  close(): Promise<void> {
    return this.pool.destroy();
  }

  private async ask<T>(method: "GET" | "POST", path: string, sent?: object): Promise<T> {
    const headers = { authorization: `Bearer ${this.region.token}`, "content-type": "application/json" };
    const answer = await this.pool.request({ method, path, headers, ...(sent && { body: JSON.stringify(sent) }) });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`${method} ${path} answered ${answer.statusCode}: ${text}`);
    return JSON.parse(text) as T;
  }
}

async function round(region: VirtualRegion, ear: EventEar, all: Players, nodeId: string) {
  const servers = (await region.servers()).filter(
    (server) => server.nodeId === nodeId && server.state !== "terminated",
  );
  const victims = all.on(new Set(servers.map(({ id }) => id)));
  const told = Promise.all(victims.map((place) => all.follow(place)));
  const suspect = ear.next(
    ({ type, detail }) => type === "node.suspect" && (detail as { nodeId?: string }).nodeId === nodeId,
  );
  await new Promise((resolve) => setTimeout(resolve, REST_MS));
  const lostMs = performance.now();
  const end = region.silence(nodeId);
  const suspectMs = (await suspect).atMs - lostMs;
  const saidMs = performance.now();
  await region.nodeDown(nodeId);
  const moved = await told;
  end();
  await all.join(moved.map(({ place }) => place));
  return { victims: victims.length, suspectMs, movedMs: Math.max(...moved.map(({ toldMs }) => toldMs - saidMs)) };
}

runInFolder(async (folder) => {
  console.log(machineLine());
  console.log(`${players} players on ${NODES} nodes with ${SERVERS} servers; a node is lost ${rounds} times`);
  const { program } = await bundle(folder, { program: "bench/region-program.ts" });
  const options = { folder: join(folder, "r"), program, servers: SERVERS, seats: SEATS, nodes: NODES, apart: true };
  const region = await VirtualRegion.start(options);
  const all = new Players(region);
  let ear: EventEar | undefined;
  try {
    await region.untilReady(SERVERS);
    await all.come();
    ear = await EventEar.open(`http://127.0.0.1:${region.port}`, region.token);
    const suspect: number[] = [];
    const moved: number[] = [];
    console.log("lost     players   ms to suspect   ms from the engine's word until all are told");
    for (let n = 0; n < rounds; n++) {
      const { victims, suspectMs, movedMs } = await round(region, ear, all, `node-${n}`);
      suspect.push(suspectMs);
      moved.push(movedMs);
      const cells = [victims, suspectMs.toFixed(0), movedMs.toFixed(0)];
      console.log(`node-${n} ${cells.map((cell) => String(cell).padStart(9)).join("   ")}`);
    }
    const [first, last] = [distribution(suspect), distribution(moved)];
    console.log(
      `suspect after p50 ${first.p50.toFixed(0)} ms, at most ${first.max.toFixed(0)}; all moved p50 ${last.p50.toFixed(0)} ms, at most ${last.max.toFixed(0)}`,
    );
    tellFigure("nodeLost", {
      suspectP50Ms: first.p50,
      suspectMaxMs: first.max,
      movedP50Ms: last.p50,
      movedMaxMs: last.max,
    });
  } finally {
    ear?.close();
    await all.close();
    await region.stop();
  }
});
