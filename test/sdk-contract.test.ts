import { execFile, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { WebSocket } from "ws";
import type { FastifyInstance } from "fastify";
import { buildApi } from "../controller/api/api";
import type { Role } from "../controller/api/backend";
import {
  BackendDouble,
  placementSample,
  queuedSample,
  serverSample,
  sessionSample,
  ticketSample,
} from "../controller/api/backend-double";
import type { FollowResult } from "../controller/core/decision";
import type * as ours from "../controller/core/resources";
import { Tokens } from "../controller/tokens";
import { systemClock } from "../protocol/clock";
import { freePort } from "../protocol/free-ports";
import { checkTicket, sealTicket, serverTicketKey } from "../protocol/ticket";
import type * as theirs from "../sdk/src/resources";
import { checkTicket as checkOffline, ForgeController, PlayerClient } from "../sdk/src/index";
import { GateDouble } from "../sdk/testing/gate-double";
import vectors from "../sdk/testing/ticket-vectors.json";

const ROOT = join(__dirname, "..");

/** True only where each can stand for the other. The SDK imports nothing of ours: this is what holds its copies equal. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
true satisfies Same<ours.Server, theirs.Server>;
true satisfies Same<ours.ServerState, theirs.ServerState>;
true satisfies Same<ours.Session, theirs.Session>;
true satisfies Same<ours.SessionState, theirs.SessionState>;
true satisfies Same<ours.Endpoint, theirs.Endpoint>;
true satisfies Same<ours.Placement, theirs.Placement>;
true satisfies Same<ours.Queued, theirs.Queued>;
true satisfies Same<ours.QueueEntry, theirs.QueueEntry>;
true satisfies Same<ours.MatchAllocation, theirs.MatchAllocation>;
true satisfies Same<ours.Fleet, theirs.Fleet>;
true satisfies Same<ours.FleetPolicy, theirs.FleetPolicy>;
true satisfies Same<ours.ScalingEntry, theirs.ScalingEntry>;
true satisfies Same<ours.Region, theirs.Region>;
true satisfies Same<ours.ForgeEvent, theirs.ForgeEvent>;
true satisfies Same<ours.DecisionRecord, theirs.DecisionRecord>;
true satisfies Same<FollowResult, theirs.Follow>;

describe("tickets", () => {
  it("are sealed as the SDK's vectors say, and checked alike", () => {
    const { secret, keyOf, key, tickets } = vectors;
    expect(serverTicketKey(secret, keyOf.serverId, keyOf.allocationId)).toBe(key);
    for (const { claims, ticket } of tickets) {
      expect(sealTicket(key, claims)).toBe(ticket);
      for (const nowMs of [0, claims.expiresAtMs - 1, claims.expiresAtMs]) {
        expect(checkOffline(key, ticket, nowMs)).toEqual(checkTicket(key, ticket, nowMs));
      }
    }
  });
});

describe("the clients at the real API", () => {
  const ticketSecret = "ticket secret of one run, for tests only";
  const tokenKey = "a key of one run, for tests only, long enough";
  const tokens = new Tokens(tokenKey, systemClock);
  const tokenOf = (role: Role, sub = "backend"): string => tokens.mint({ sub, role, regions: ["*"] }).token;
  let backend: BackendDouble;
  let app: FastifyInstance;
  let url: string;
  let forge: ForgeController;

  beforeEach(async () => {
    backend = new BackendDouble();
    app = buildApi({ backend, tokens, clock: systemClock, options: { ticketSecret, version: "0.0.0-test" } });
    url = await app.listen({ host: "127.0.0.1", port: 0 });
    forge = new ForgeController({ url, token: tokenOf("operator") });
  });
  afterEach(async () => {
    forge.close();
    await app.close();
  });

  const askedLast = (): unknown => backend.asked.at(-1)?.command;

  it("spawn, list, route and terminate", async () => {
    const spec = { experienceId: "arena", region: "local", maxPlayers: 8, labels: { mode: "duel" } };
    await expect(forge.spawnServer(spec, { waitReady: true })).resolves.toEqual(serverSample());
    expect(askedLast()).toMatchObject({ type: "spawnServer", waitReady: true, maxPlayers: 8 });
    await expect(forge.getServers("local", { experienceId: "arena" })).resolves.toEqual([serverSample()]);
    await expect(forge.getServer("srv-local-1")).resolves.toEqual(serverSample());
    await expect(forge.routePlayer("ann", "srv-local-1")).resolves.toEqual(placementSample());
    expect(askedLast()).toMatchObject({ type: "routePlayers", serverId: "srv-local-1", players: ["ann"] });
    await expect(forge.getSessions("srv-local-1")).resolves.toEqual([sessionSample()]);
    await expect(forge.terminateServer("srv-local-1", { drainSecs: 30, reason: "over" })).resolves.toMatchObject({
      state: "draining",
    });
    expect(askedLast()).toMatchObject({ type: "terminateServer", drainSecs: 30, force: false, reason: "over" });
  });

  it("place, queue, allocate, and read fleets and regions", async () => {
    backend.when("createSession", () => ({ ok: true, value: queuedSample() }));
    const { claim: _sealed, ...queued } = queuedSample({
      queueTicket: expect.stringMatching(/^que-local-1~/) as string,
    });
    await expect(forge.createSession({ playerId: "ann", experienceId: "arena" })).resolves.toEqual(queued);
    await expect(forge.waitQueue("que-local-1", 1)).resolves.toEqual(placementSample());
    await expect(forge.getSession("ses-local-1")).resolves.toEqual(sessionSample());
    await expect(forge.endSession("ses-local-1", "cheating")).resolves.toMatchObject({ state: "ended" });
    const ask = { experienceId: "arena", matchId: "match-1", players: [{ playerId: "ann" }], deadlineMs: 1000 };
    await expect(forge.allocate(ask)).resolves.toMatchObject({ matchId: "match-1", tickets: { ann: "ticket-1" } });
    await expect(forge.getFleet("arena")).resolves.toMatchObject({ experienceId: "arena" });
    await expect(forge.putFleet("arena", { desired: 3, policy: { maxServers: 9 } })).resolves.toMatchObject({
      desired: 1,
    });
    for (const change of [{ version: "2", canary: 0.1 }, { rollout: "promote" }] as const)
      await expect(forge.putFleet("arena", change)).resolves.toMatchObject({ experienceId: "arena" });
    await expect(forge.getRegions()).resolves.toEqual([expect.objectContaining({ name: "local", state: "up" })]);
  });

  it("hear events", async () => {
    const heard = new Promise((resolve) => forge.on("playerConnected", resolve));
    await new Promise((resolve) => forge.on("connected", resolve));
    const { id: sessionId, playerId, experienceId, serverId } = sessionSample();
    const about = { sessionId, playerId, experienceId, serverId };
    backend.events.append({ type: "session.joined", region: "local", at: "", reason: "joined", ...about });
    await expect(heard).resolves.toMatchObject({ type: "session.joined", playerId: "ann" });
  });

  it("let a player in, follow, report and leave, the last three by ticket", async () => {
    const ticket = ticketSample(ticketSecret);
    backend.when("createSession", () => ({ ok: true, value: { ...placementSample(), ticket } }));
    const place = { ...placementSample({ generation: 2 }), ticket: "the next" };
    backend.when("followSession", () => ({ ok: true, value: place }));
    const player = new PlayerClient({ url, token: tokenOf("player", "ann") });
    const placement = await player.connect({ playerId: "ann", experienceId: "arena", latencies: { local: 3 } });

    const ticketOnly = new PlayerClient({ url });
    ticketOnly.adopt(placement);
    await expect(ticketOnly.report({ latencyMs: 20, packetLoss: 0.5 })).resolves.toEqual(sessionSample());
    expect(askedLast()).toMatchObject({ type: "updateSession", latencyMs: 20, packetLoss: 0.5 });
    await expect(ticketOnly.follow({ moved: true })).resolves.toMatchObject({ kind: "moved", place });
    expect(askedLast()).toMatchObject({ type: "followSession", afterGeneration: 1 });

    const longAgo = new Tokens(tokenKey, { ...systemClock, now: () => Date.now() - 7_200_000 });
    const { token: runOut } = longAgo.mint({ sub: "ann", role: "player", regions: ["*"] });
    const late = new PlayerClient({ url, token: runOut });
    await expect(late.connect({ playerId: "ann", experienceId: "arena" })).rejects.toMatchObject({
      code: "tokenExpired",
    });
    late.adopt(placement);
    await expect(late.report({ latencyMs: 20 })).resolves.toEqual(sessionSample());
    await late.leave();
    expect(askedLast()).toMatchObject({ type: "endSession", sessionId: "ses-local-1", reason: "left" });
  });
});

it("the README's ten lines run", async () => {
  const tokens = new Tokens("a key of one run, for tests only, long enough", systemClock);
  const backend = new BackendDouble("us-east");
  const app = buildApi({ backend, tokens, clock: systemClock, options: { ticketSecret: "s", version: "0.0.0-test" } });
  try {
    const { token } = tokens.mint({ sub: "backend", role: "operator", regions: ["*"] });
    const env = { ...process.env, FORGE_ADDR: await app.listen({ host: "127.0.0.1", port: 0 }), FORGE_TOKEN: token };
    const run = promisify(execFile);
    const program = ["--import", require.resolve("tsx"), "sdk/examples/ten-lines.mts"];
    const { stdout } = await run(process.execPath, program, { env, cwd: ROOT });
    expect(stdout).toContain("ann may connect to 127.0.0.1:20001 and show ticket-1");
    expect(backend.asked.map(({ command }) => command.type)).toEqual([
      "spawnServer",
      "routePlayers",
      "getServer",
      "findSessions",
      "terminateServer",
    ]);
  } finally {
    await app.close();
  }
});

it("the documents' game server lives on when Forge refuses its last save and a player's leaving", async () => {
  const port = await freePort();
  const gate = await GateDouble.start({ ports: { game: port } });
  gate.intercept = ({ path }) =>
    path === "/v1/snapshot" || path === "/v1/players/leave" ? { status: 500 } : undefined;
  const program = ["--import", require.resolve("tsx"), "-e", 'void require("./sdk/examples/game-server").main()'];
  const env = { ...process.env, ...gate.env() };
  const server = spawn(process.execPath, program, { env, cwd: ROOT, stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise<never>((_, reject) => {
    let said = "";
    server.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
    server.on("close", (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
  });
  const play = async (playerId: string): Promise<WebSocket> => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`);
    socket.on("open", () => socket.send(gate.ticket(playerId)));
    await gate.until(() => gate.seats.has(playerId));
    return socket;
  };
  const story = async (): Promise<void> => {
    await gate.until(() => gate.callsTo("/v1/ready").length === 1);
    const ann = await play("ann");
    gate.push("draining", { reason: "r" });
    await gate.until(() => gate.callsTo("/v1/snapshot").length > 0);
    ann.close();
    await gate.until(() => gate.callsTo("/v1/players/leave").length > 0);
    (await play("ben")).terminate();
    await gate.until(() => gate.callsTo("/v1/players/leave").length > 1);
  };
  try {
    await Promise.race([story(), ended]);
  } finally {
    ended.catch(() => undefined);
    server.kill("SIGKILL");
    await ended.catch(() => undefined);
    await gate.close();
  }
});

describe("the SDK's documents", () => {
  const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

  it.each(["sdk/README.md", "docs/sdk.md"])("%s shows only code that is compiled and checked", (path) => {
    const examples = readdirSync(join(ROOT, "sdk/examples")).map((name) => read(`sdk/examples/${name}`));
    const blocks = [...read(path).matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code = ""]) => code.trim());
    expect(blocks.length).toBeGreaterThan(0);
    for (const block of blocks) expect(examples.some((example) => example.includes(block)) || block).toBe(true);
  });

  it("have an example of ten lines", () => {
    expect(read("sdk/examples/ten-lines.mts").split("\n").filter(Boolean)).toHaveLength(10);
  });
});
