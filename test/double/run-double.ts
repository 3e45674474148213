import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { type RunFile, writeRunFile } from "../../cli/run-file";
import { buildApi } from "../../controller/api/api";
import type { Role } from "../../controller/api/backend";
import { BackendDouble } from "../../controller/api/backend-double";
import { Tokens } from "../../controller/tokens";
import { systemClock } from "../../protocol/clock";
import { isoBefore, sampleFleet, sampleRegion, sampleServer, sampleSession } from "./samples";

const TOKEN_KEY = "a key of one run, for tests only, long enough";

/** One region of a run double. */
export interface RegionDouble {
  readonly backend: BackendDouble;
  readonly url: string;
  readonly app: FastifyInstance;
}

/**
 * Test double of a run: the real HTTP API of each region on a port of its own, over doubles of the controllers, and
 * the run file that leads to them in a temporary folder.
 */
export class RunDouble {
  private constructor(
    readonly folder: string,
    readonly regions: Readonly<Record<string, RegionDouble>>,
    readonly tokens: Tokens,
  ) {}

  /** @param options `dashboardDir`: the folder of the page at `/`, none where not given */
  static async start(
    names: readonly string[] = ["local"],
    options: { readonly dashboardDir?: string } = {},
  ): Promise<RunDouble> {
    const tokens = new Tokens(TOKEN_KEY, systemClock);
    const regions: Record<string, RegionDouble> = {};
    for (const name of names) regions[name] = await startRegion(name, tokens, options);
    for (const [name, { backend }] of Object.entries(regions)) {
      const others = Object.entries(regions).filter(([other]) => other !== name);
      backend.others = others.map(([other, { url }]) => ({ name: other, url, location: undefined }));
    }
    const folder = mkdtempSync(join(tmpdir(), "forge-cli-"));
    const run = new RunDouble(folder, regions, tokens);
    writeRunFile(folder, run.file());
    return run;
  }

  /** Of the first region unless named. */
  region(name = Object.keys(this.regions)[0] ?? ""): RegionDouble {
    const found = this.regions[name];
    if (found === undefined) throw new Error(`the double has no region ${name}`);
    return found;
  }

  file(over: Partial<RunFile> = {}): RunFile {
    return {
      runId: "run-double",
      pid: process.pid,
      url: this.region().url,
      regions: Object.fromEntries(Object.entries(this.regions).map(([name, { url }]) => [name, url])),
      tokenKey: TOKEN_KEY,
      startedAtMs: Date.now(),
      detached: false,
      ...over,
    };
  }

  token(role: Role, regions: readonly string[] = ["*"]): string {
    return this.tokens.mint({ sub: `a ${role}`, role, regions }).token;
  }

  /** Takes back what a test said the controllers answer, and forgets what they were asked. */
  reset(): void {
    for (const [name, { backend }] of Object.entries(this.regions)) {
      backend.asked.length = 0;
      answerWithSamples(backend, name);
    }
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.regions).map(({ app }) => app.close()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function startRegion(
  name: string,
  tokens: Tokens,
  more: { readonly dashboardDir?: string },
): Promise<RegionDouble> {
  const backend = new BackendDouble(name);
  answerWithSamples(backend, name);
  const options = { ticketSecret: "ticket secret of one run, for tests only", version: "0.0.0-test", ...more };
  const app = buildApi({ backend, tokens, clock: systemClock, options });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  return { backend, url, app };
}

/** Of everything one, named after its region. */
function answerWithSamples(backend: BackendDouble, region: string): void {
  const server = sampleServer({ id: `srv-${region}-1`, region });
  const session = sampleSession({ id: `ses-${region}-1`, region, serverId: server.id });
  const { url: _url, leader: _leader, ...status } = sampleRegion({ name: region });
  const endpoint = { id: server.id, address: "127.0.0.1", ports: server.ports };
  const ok = <T>(value: T) => ({ ok: true as const, value });
  backend
    .when("spawnServer", () => ok(server))
    .when("listServers", () => ok([server]))
    .when("getServer", () => ok(server))
    .when("terminateServer", () => ok({ ...server, state: "draining" }))
    .when("getSession", () => ok(session))
    .when("findSessions", () => ok([session]))
    .when("routePlayers", ({ players }) =>
      ok(players.map((playerId) => ({ session: { ...session, playerId }, server: endpoint, ticket: "ticket-1" }))),
    )
    .when("allocateMatch", ({ matchId, players }) =>
      ok({
        server,
        connection: "127.0.0.1:20104",
        matchId,
        tickets: Object.fromEntries(players.map(({ playerId }) => [playerId, "ticket-1"])),
      }),
    )
    .when("listFleets", () => ok([sampleFleet({ region })]))
    .when("getFleet", () => ok(sampleFleet({ region })))
    .when("listQueue", () =>
      ok([
        {
          queueTicket: `que-${region}-1`,
          region,
          position: 1,
          estimatedWaitMs: null,
          sessionId: session.id,
          deadlineAt: isoBefore(-30),
          reason: "all servers are full",
          playerId: "ann",
          experienceId: "arena",
          party: [],
          since: isoBefore(4),
        },
      ]),
    )
    .when("getRegion", () => ok({ region: status, summary: { region, state: "up", location: null, experiences: {} } }))
    .when("drainRegion", ({ on }) => ok({ ...status, state: on ? "draining" : "up" }))
    .when("getDecision", ({ id }) => ({
      ok: false,
      problem: { code: "unknownDecision", detail: `nothing about ${id}` },
    }));
}
