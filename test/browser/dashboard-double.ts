import { resolve } from "node:path";
import type { BackendDouble } from "../../controller/api/backend-double";
import type { ForgeEvent, Server, ServerState } from "../../controller/core/resources";
import { RunDouble } from "../double/run-double";
import { sampleFleet, sampleRegion, sampleServer, sampleSession } from "../double/samples";

/**
 * Test double of a run for the dashboard: the real API and the real page, over controllers that answer with canned
 * regions, fleets and servers. Times are around now, so that ages look as they do.
 */
export async function startDashboardDouble(): Promise<RunDouble> {
  const run = await RunDouble.start(["us-east", "eu-west", "ap-south"], {
    dashboardDir: resolve(__dirname, "../../dashboard"),
  });
  busy(run.region("us-east").backend, "us-east", 5, { players: 103, queued: 3, cpu: 0.71 });
  busy(run.region("eu-west").backend, "eu-west", 3, { players: 41, queued: 0, cpu: 0.33 });
  busy(run.region("ap-south").backend, "ap-south", 1, { players: 0, queued: 0, cpu: 0.02 }, "draining");
  return run;
}

interface Load {
  readonly players: number;
  readonly queued: number;
  readonly cpu: number;
}

const STATES: readonly ServerState[] = ["ready", "ready", "allocated", "draining", "starting", "unhealthy"];

function busy(
  backend: BackendDouble,
  region: string,
  count: number,
  load: Load,
  state: "up" | "draining" = "up",
): void {
  const servers = [
    ...Array.from({ length: count }, (_, index) => serverOf(region, index)),
    serverOf(region, 90, { role: "ai", players: 0, state: "ready" }),
  ];
  const seats = { total: count * 24, held: load.players, free: count * 24 - load.players };
  const {
    url: _url,
    leader: _leader,
    ...sample
  } = sampleRegion({ name: region, state, ...load, seats, servers: count });
  const nodes = [{ id: `${region}-node-1`, state: "connected" as const, address: "10.0.0.4", servers: servers.length }];
  const summary = { region, state, location: null, experiences: {} };
  const ok = <T>(value: T) => ({ ok: true as const, value });
  backend
    .when("getRegion", () => ok({ region: { ...sample, nodes }, summary }))
    .when("listFleets", () => ok([sampleFleet({ region, desired: count, seats, queued: load.queued })]))
    .when("listServers", () => ok(servers))
    .when("getServer", ({ serverId }) => {
      const server = servers.find(({ id }) => id === serverId);
      return server ? ok(server) : { ok: false, problem: { code: "unknownServer", detail: `no server ${serverId}` } };
    })
    .when("findSessions", () =>
      ok([1, 2, 3].map((n) => sampleSession({ id: `ses-${region}-${n}`, playerId: `bot-${n}` }))),
    )
    .when("getDecision", ({ id }) =>
      ok({
        id: `dec-${region}-7`,
        at: new Date().toISOString(),
        kind: "scale",
        subject: id,
        outcome: "up by 1 to 5",
        reasons: ["players a server 23.0 above 20"],
        considered: [{ id, score: 0.42, parts: { players: 0.3, cpu: 0.12 } }],
      }),
    );
}

function serverOf(region: string, index: number, over: Partial<Server> = {}): Server {
  const state = STATES[index % STATES.length] ?? "ready";
  return sampleServer({
    id: `srv-${region}-${(0x4f1c8a02 + index * 0x1234567).toString(16)}`,
    region,
    nodeId: `${region}-node-1`,
    state,
    players: state === "starting" ? 0 : 24 - index * 5,
    stats:
      state === "starting"
        ? null
        : { cpu: Math.max(0.04, 0.9 - index * 0.17), memoryBytes: (60 + (index % 10) * 9) * 1024 * 1024 },
    createdAt: new Date(Date.now() - (index + 1) * 97_000).toISOString(),
    readyAt: new Date(Date.now() - (index + 1) * 97_000 + 310).toISOString(),
    ...over,
  });
}

/** What a server's failure and a scale-up look like as they happen. */
export function storyOfEvents(region: string, nowMs: number): readonly ForgeEvent[] {
  const serverId = `srv-${region}-0badc0de`;
  const of = { region, experienceId: "arena" };
  const at = (ms: number): string => new Date(nowMs - 9000 + ms).toISOString();
  const failover = (
    step: "detect" | "isolate" | "migrate" | "terminate" | "replace",
    ms: number,
    reason: string,
    detail = {},
  ): ForgeEvent => ({
    ...of,
    type: "failover",
    step,
    serverId,
    at: at(ms),
    reason,
    detail,
  });
  const moved = (n: number, ms: number): ForgeEvent => ({
    ...of,
    type: "session.moved",
    sessionId: `ses-${n}`,
    playerId: `bot-${n}`,
    serverId: `srv-${region}-4f1c8a02`,
    at: at(ms),
    reason: `moved from ${serverId}`,
    detail: { fromServerId: serverId, tookMs: ms, restoredAgeMs: 2100 },
  });
  return [
    { ...of, type: "scaling", action: "up", from: 4, to: 5, at: at(-30_000), reason: "players a server 23.0 above 20" },
    {
      ...of,
      type: "server.spawned",
      serverId: `srv-${region}-5d88b9fb`,
      at: at(-29_998),
      reason: "players a server 23.0 above 20",
    },
    {
      ...of,
      type: "server.ready",
      serverId: `srv-${region}-5d88b9fb`,
      at: at(-29_690),
      reason: "said that it is ready",
    },
    failover("detect", 0, "its process ended by SIGKILL", { gone: true, sessions: 2 }),
    { ...of, type: "server.unhealthy", serverId, at: at(1), reason: "its process ended by SIGKILL" },
    failover("isolate", 1, "its process ended by SIGKILL"),
    failover("migrate", 3, "its process ended by SIGKILL", { sessions: 2 }),
    moved(17, 21),
    moved(18, 24),
    failover("terminate", 4, "its process ended by SIGKILL"),
    failover("replace", 6, `srv-${region}-6e00ff01 is started in its place`, {
      replacementId: `srv-${region}-6e00ff01`,
    }),
    {
      ...of,
      type: "server.replaced",
      serverId: `srv-${region}-6e00ff01`,
      at: at(1320),
      reason: `in place of ${serverId}`,
    },
  ];
}
