/**
 * A region's leader is killed (SIGKILL) while 1,000 players a second ask for a seat, again and again: how long until the
 * next grant, how many players had none after their client's retries, how many seats that were told are not there, and how
 * many players hold two. Two controllers and Consul are real, and so are the agent and its journal; servers are virtual.
 *
 * A client tries one controller after the other, each 100 ms, for 15 s, as docs/api.md says of codes that pass. At the end
 * those who were told last and still have their seats ask at once where they are (`--followers`).
 *
 *   npx tsx bench/leader-kill.ts [--kills 10] [--rate 1000] [--followers 10000]
 *
 * Needs consul on PATH or in Forge's cache.
 */
import { copyFileSync, mkdtempSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Pool } from "undici";
import { findPart } from "../test/cluster/real-parts";
import { bundle } from "./bundle";
import { distribution } from "./distribution";
import { tellFigure } from "./figure";
import { runInFolder } from "./in-folder";
import { journaledSeats } from "./journal-seats";
import { machineLine } from "./machine";
import { EXPERIENCE } from "./fixed-fleet";
import { TwoControllers } from "./two-controllers";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "10" },
    rate: { type: "string", default: "1000" },
    followers: { type: "string", default: "10000" },
  },
});
const SERVERS = 100;
const SEATS = 1000;
const BEFORE_MS = 2000;
/** Load goes on so long after the first grant of the new leader. */
const AFTER_MS = 2000;
const PATIENCE_MS = 15_000;
const AGAIN_MS = 100;
/** Less than the 30 s that a seat waits for its player, by what reading the journal takes. */
const LEASE_MS = 25_000;

interface Told {
  readonly playerId: string;
  readonly sessionId: string;
  readonly serverId: string;
  readonly askedMs: number;
  readonly toldMs: number;
}

/** Clients, each of which asks until it has a seat or no patience left. */
class Clients {
  readonly told: Told[] = [];
  failed = 0;
  private readonly pools: readonly Pool[];
  private under = 0;
  private count = 0;
  private first = 0;

  constructor(
    urls: readonly string[],
    private readonly token: string,
    private readonly name: string,
  ) {
    this.pools = urls.map((url) => new Pool(url, { connections: 64, headersTimeout: 5000, bodyTimeout: 5000 }));
  }

  /** Starts so many a second; the result stops that and waits for those under way. */
  run(rate: number): () => Promise<void> {
    const beganMs = performance.now();
    const timer = setInterval(() => {
      const due = Math.floor(((performance.now() - beganMs) * rate) / 1000);
      while (this.count < due) void this.play(`${this.name}-${this.count++}`);
    }, 2);
    return async () => {
      clearInterval(timer);
      while (this.under > 0) await pause(10);
      await Promise.all(this.pools.map((pool) => pool.destroy()));
    };
  }

  private async play(playerId: string): Promise<void> {
    this.under += 1;
    const askedMs = performance.now();
    const placed = await this.untilPlaced(playerId, askedMs);
    this.under -= 1;
    if (placed) this.told.push({ playerId, ...placed, askedMs, toldMs: performance.now() });
    else this.failed += 1;
  }

  private async untilPlaced(
    playerId: string,
    askedMs: number,
  ): Promise<Pick<Told, "sessionId" | "serverId"> | undefined> {
    while (performance.now() - askedMs < PATIENCE_MS) {
      const at = this.first;
      try {
        const { statusCode, body } = await this.ask(at, "POST", "/v1/sessions", {
          playerId,
          experienceId: EXPERIENCE,
        });
        if (statusCode === 200) {
          const { session, server } = body as { session: { id: string }; server: { id: string } };
          return { sessionId: session.id, serverId: server.id };
        }
      } catch {
        // The connection broke: whether the seat was given is not known, and asking again gives the same.
      }
      if (at === this.first) this.first = (this.first + 1) % this.pools.length;
      await pause(AGAIN_MS);
    }
    return undefined;
  }

  async ask(at: number, method: "GET" | "POST", path: string, sent?: object) {
    const answer = await this.pools[at]?.request({
      method,
      path,
      headers: { authorization: `Bearer ${this.token}`, ...(sent && { "content-type": "application/json" }) },
      ...(sent && { body: JSON.stringify(sent) }),
    });
    if (!answer) throw new Error(`there is no controller ${at}`);
    return { statusCode: answer.statusCode, body: await answer.body.json() };
  }
}

async function round(region: TwoControllers, name: string) {
  const leader = await region.leader();
  const clients = new Clients(
    [leader, ...region.replicas.filter((replica) => replica !== leader)].map(({ url }) => url),
    region.token,
    name,
  );
  const stop = clients.run(Number(values.rate));
  let outageMs: number;
  try {
    await pause(BEFORE_MS);
    const killedMs = performance.now();
    process.kill(leader.child.pid, "SIGKILL");
    const next = (): Told | undefined => clients.told.find(({ askedMs }) => askedMs > killedMs);
    const deadlineMs = killedMs + PATIENCE_MS;
    while (!next() && performance.now() < deadlineMs) await pause(2);
    outageMs = (next()?.toldMs ?? Infinity) - killedMs;
    await pause(AFTER_MS);
  } finally {
    await stop();
  }
  const { held } = await journaledSeats([copied(region.journalDir)]);
  const seats = new Map([...held].flatMap(([serverId, ids]) => ids.map((id) => [id, serverId] as const)));
  // Nobody comes for these seats: those that are told earlier may have gone back with their leases by now.
  const sinceMs = performance.now() - LEASE_MS;
  const counted = clients.told.filter(({ askedMs }) => askedMs > sinceMs);
  const lost = counted.filter(({ sessionId, serverId }) => seats.get(sessionId) !== serverId).length;
  const players = new Set(clients.told.map(({ playerId }) => playerId)).size;
  const sessions = new Set(clients.told.map(({ sessionId }) => sessionId)).size;
  const slowest = distribution(clients.told.map(({ askedMs, toldMs }) => toldMs - askedMs));
  return { leader, clients, outageMs, lost, doubled: sessions - players, slowest };
}

/** Its agent goes on and has the folder locked. */
function copied(journalDir: string): string {
  const copy = mkdtempSync(`${journalDir}-`);
  for (const entry of readdirSync(journalDir, { withFileTypes: true }))
    if (entry.isFile()) copyFileSync(join(journalDir, entry.name), join(copy, entry.name));
  return copy;
}

/** Everybody asks at once where they are, as after a loss. */
async function follow(region: TwoControllers, told: readonly Told[]): Promise<void> {
  const { url } = await region.leader();
  const pool = new Pool(url, { connections: 1000, pipelining: 1 });
  const beganMs = performance.now();
  const asked = Promise.all(
    told.map(async ({ sessionId }) => {
      for (;;) {
        const answer = await pool.request({
          method: "GET",
          path: `/v1/sessions/${sessionId}?wait=25`,
          headers: { authorization: `Bearer ${region.token}` },
        });
        const text = await answer.body.text();
        if (answer.statusCode === 200) return performance.now() - beganMs;
        if (answer.statusCode !== 429 && answer.statusCode !== 503)
          throw new Error(`GET /v1/sessions/${sessionId} answered ${answer.statusCode}: ${text}`);
        await pause(1000 * Number(answer.headers["retry-after"] ?? 1) * Math.random());
      }
    }),
  );
  const times = await asked.finally(() => pool.destroy());
  const { p50, p99, max } = distribution(times);
  console.log(
    `${told.length} sessions asked at once where they are: p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, all in ${max.toFixed(0)} ms`,
  );
  tellFigure("followers", { players: told.length, allMs: max });
}

runInFolder(async (folder) => {
  const consul = findPart("consul");
  if (consul === undefined) throw new Error("consul is neither on PATH nor in Forge's cache");
  console.log(machineLine());
  console.log("kill   next grant ms   slowest ms   told   failed   lost   doubled");
  const { region: program } = await bundle(folder, { region: "bench/region-program.ts" });
  const region = await TwoControllers.start({
    folder: join(folder, "r"),
    program,
    consul,
    servers: SERVERS,
    seats: SEATS,
  });
  try {
    const outages: number[] = [];
    const sum = { told: 0, failed: 0, lost: 0, doubled: 0 };
    const told: Told[] = [];
    for (let n = 1; n <= Number(values.kills); n += 1) {
      const { leader, clients, outageMs, lost, doubled, slowest } = await round(region, `kill-${n}`);
      const cells = [outageMs.toFixed(0), slowest.max.toFixed(0), clients.told.length, clients.failed, lost, doubled];
      console.log(`${String(n).padStart(4)}${cells.map((cell) => String(cell).padStart(11)).join("")}`);
      outages.push(outageMs);
      sum.told += clients.told.length;
      sum.failed += clients.failed;
      sum.lost += lost;
      sum.doubled += doubled;
      told.push(...clients.told);
      await region.revive(leader);
    }
    const { p50, max } = distribution(outages);
    console.log(`next grant after p50 ${p50.toFixed(0)} ms, at most ${max.toFixed(0)} ms; ${JSON.stringify(sum)}`);
    tellFigure("leaderKilled", { p50Ms: p50, maxMs: max, ...sum });
    const sinceMs = performance.now() - LEASE_MS;
    const held = told.filter(({ askedMs }) => askedMs > sinceMs);
    await follow(region, held.slice(-Number(values.followers)));
  } finally {
    await region.stop();
  }
});
