import type { CommandType } from "../core/input";
import { type ApiUnderTest, START_MS, apiUnderTest } from "./api-under-test";
import type { CommandOf } from "./backend";
import { placementSample, queuedSample, refused } from "./backend-double";

/** What the core is asked for a call, and the status of a good answer. */
const ASKED: readonly [
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
  url: string,
  body: unknown,
  status: number,
  command: CommandOf<CommandType>,
][] = [
  [
    "POST",
    "/v1/servers",
    {
      experienceId: "arena",
      region: "local",
      maxPlayers: 8,
      version: "1.2",
      labels: { a: "b" },
      annotations: { note: "x" },
    },
    201,
    {
      type: "spawnServer",
      experienceId: "arena",
      maxPlayers: 8,
      version: "1.2",
      labels: { a: "b" },
      annotations: { note: "x" },
      waitReady: false,
    },
  ],
  [
    "POST",
    "/v1/servers?wait=ready",
    { experienceId: "arena", region: "local" },
    201,
    { type: "spawnServer", experienceId: "arena", waitReady: true },
  ],
  ["GET", "/v1/servers", undefined, 200, { type: "listServers" }],
  [
    "GET",
    "/v1/servers?region=local&experienceId=arena&state=ready",
    undefined,
    200,
    { type: "listServers", experienceId: "arena", state: "ready" },
  ],
  ["GET", "/v1/servers/srv-local-1", undefined, 200, { type: "getServer", serverId: "srv-local-1" }],
  ["GET", "/v1/servers/not-one-of-ours", undefined, 200, { type: "getServer", serverId: "not-one-of-ours" }],
  [
    "PATCH",
    "/v1/servers/srv-local-1",
    { labels: { a: null }, annotations: { b: "c" } },
    200,
    { type: "labelServer", serverId: "srv-local-1", labels: { a: null }, annotations: { b: "c" } },
  ],
  [
    "DELETE",
    "/v1/servers/srv-local-1",
    undefined,
    200,
    { type: "terminateServer", serverId: "srv-local-1", drainSecs: 0, force: false, reason: "terminated by someone" },
  ],
  [
    "DELETE",
    "/v1/servers/srv-local-1?drain=90&reason=old",
    undefined,
    200,
    { type: "terminateServer", serverId: "srv-local-1", drainSecs: 90, force: false, reason: "old" },
  ],
  [
    "DELETE",
    "/v1/servers/srv-local-1?force=",
    undefined,
    200,
    { type: "terminateServer", serverId: "srv-local-1", drainSecs: 0, force: true, reason: "terminated by someone" },
  ],
  [
    "POST",
    "/v1/servers/srv-local-1/sessions",
    { players: ["ann", "ben"] },
    200,
    { type: "routePlayers", serverId: "srv-local-1", players: ["ann", "ben"] },
  ],
  [
    "POST",
    "/v1/servers/srv-local-1/sessions",
    { players: ["ann"], clientVersion: "1.5.0" },
    200,
    { type: "routePlayers", serverId: "srv-local-1", players: ["ann"], clientVersion: "1.5.0" },
  ],
  ["GET", "/v1/servers/srv-local-1/sessions", undefined, 200, { type: "findSessions", serverId: "srv-local-1" }],
  [
    "POST",
    "/v1/sessions",
    { playerId: "ann", experienceId: "arena" },
    200,
    { type: "createSession", playerId: "ann", experienceId: "arena" },
  ],
  [
    "POST",
    "/v1/sessions",
    {
      playerId: "ann",
      experienceId: "arena",
      version: "1",
      mods: ["m"],
      region: "local",
      latencies: { local: 3.5 },
      party: ["ben"],
      deadlineMs: 5000,
    },
    200,
    {
      type: "createSession",
      playerId: "ann",
      experienceId: "arena",
      version: "1",
      mods: ["m"],
      latencies: { local: 3.5 },
      party: ["ben"],
      deadlineMs: 5000,
    },
  ],
  [
    "GET",
    "/v1/sessions?playerId=ann&experienceId=arena",
    undefined,
    200,
    { type: "findSessions", playerId: "ann", experienceId: "arena" },
  ],
  ["GET", "/v1/sessions/ses-local-1", undefined, 200, { type: "getSession", sessionId: "ses-local-1" }],
  [
    "GET",
    "/v1/sessions/ses-local-1?wait=25&generation=4",
    undefined,
    200,
    { type: "followSession", sessionId: "ses-local-1", afterGeneration: 4, untilMs: START_MS + 25_000 },
  ],
  [
    "GET",
    "/v1/sessions/ses-local-1?wait=0",
    undefined,
    200,
    { type: "followSession", sessionId: "ses-local-1", afterGeneration: -1, untilMs: START_MS },
  ],
  [
    "PATCH",
    "/v1/sessions/ses-local-1",
    { latencyMs: 20, packetLoss: 0.5 },
    200,
    { type: "updateSession", sessionId: "ses-local-1", latencyMs: 20, packetLoss: 0.5 },
  ],
  [
    "PATCH",
    "/v1/sessions/ses-local-1",
    { lastActivity: "2024-12-31T23:59:59Z" },
    200,
    { type: "updateSession", sessionId: "ses-local-1", lastActivityMs: START_MS - 1000 },
  ],
  [
    "PATCH",
    "/v1/sessions/ses-local-1",
    { lastActivity: "2031-01-01T00:00:00+02:00" },
    200,
    { type: "updateSession", sessionId: "ses-local-1", lastActivityMs: START_MS },
  ],
  [
    "DELETE",
    "/v1/sessions/ses-local-1",
    undefined,
    200,
    { type: "endSession", sessionId: "ses-local-1", reason: "ended by someone" },
  ],
  ["GET", "/v1/queue?experienceId=arena", undefined, 200, { type: "listQueue", experienceId: "arena" }],
  [
    "GET",
    "/v1/queue/que-local-1",
    undefined,
    200,
    { type: "waitQueue", queueTicket: "que-local-1", untilMs: START_MS },
  ],
  [
    "GET",
    "/v1/queue/que-local-1?wait=60",
    undefined,
    200,
    { type: "waitQueue", queueTicket: "que-local-1", untilMs: START_MS + 60_000 },
  ],
  ["DELETE", "/v1/queue/que-local-1", undefined, 200, { type: "leaveQueue", queueTicket: "que-local-1" }],
  [
    "POST",
    "/v1/allocations",
    {
      experienceId: "arena",
      matchId: "m-1",
      players: [{ playerId: "ann", latencies: { local: 5 } }],
      region: "local",
      selectors: [{ matchLabels: { map: "ice" }, version: "2", gameServerState: "Ready" }, {}],
      annotations: { map: "ice" },
      deadlineMs: 1000,
    },
    200,
    {
      type: "allocateMatch",
      experienceId: "arena",
      matchId: "m-1",
      players: [{ playerId: "ann", latencies: { local: 5 } }],
      selectors: [{ matchLabels: { map: "ice" }, version: "2", gameServerState: "Ready" }, {}],
      annotations: { map: "ice" },
      deadlineMs: 1000,
    },
  ],
  ["GET", "/v1/fleets", undefined, 200, { type: "listFleets" }],
  ["GET", "/v1/fleets/arena", undefined, 200, { type: "getFleet", experienceId: "arena" }],
  [
    "PUT",
    "/v1/fleets/arena",
    { version: "2", desired: 4, policy: { maxServers: 9 } },
    200,
    { type: "putFleet", experienceId: "arena", version: "2", desired: 4, policy: { maxServers: 9 } },
  ],
  [
    "PUT",
    "/v1/fleets/arena",
    { policy: { cooldownSecs: 20, scaleDownCooldownSecs: 90 } },
    200,
    {
      type: "putFleet",
      experienceId: "arena",
      policy: { scaleUpCooldownSecs: 20, scaleDownCooldownSecs: 90 },
    },
  ],
  [
    "PUT",
    "/v1/fleets/arena",
    { policy: { targetResponseMs: null, defragment: "wait", defragmentIntervalSecs: 5 } },
    200,
    {
      type: "putFleet",
      experienceId: "arena",
      policy: { targetResponseMs: null, defragment: "wait", defragmentIntervalSecs: 5 },
    },
  ],
  ["GET", "/v1/regions", undefined, 200, { type: "getRegion" }],
  ["POST", "/v1/regions/local/drain", undefined, 200, { type: "drainRegion", on: true }],
  ["DELETE", "/v1/regions/local/drain", undefined, 200, { type: "drainRegion", on: false }],
  ["GET", "/v1/decisions/dec-local-1", undefined, 200, { type: "getDecision", id: "dec-local-1" }],
];

describe("calls and what the core is asked", () => {
  let api: ApiUnderTest;
  beforeEach(() => {
    api = apiUnderTest();
  });
  afterEach(() => api.app.close());

  it.each(ASKED)("%s %s %j answers %i and asks %j", async (method, url, body, status, command) => {
    const answer = await api.call(method, url, { body });
    expect(answer.statusCode).toBe(status);
    expect(api.backend.asked.at(-1)).toEqual({ command, actor: { sub: "someone", role: "operator", regions: ["*"] } });
  });

  it.each([
    ["unknownServer", 404],
    ["serverFull", 409],
    ["alreadyTerminated", 409],
    ["queueFull", 429],
    ["startFailed", 502],
    ["noCapacity", 503],
    ["partyTooLarge", 422],
    ["deadlineExceeded", 504],
    ["invalid", 422],
  ] as const)("hands the core's %s on as %i", async (code, status) => {
    api.backend.when("getServer", () =>
      refused({ code, detail: "says the core", retryAfterSecs: 7, info: { state: "draining" } }),
    );
    const answer = await api.call("GET", "/v1/servers/srv-local-1");
    expect(answer.statusCode).toBe(status);
    expect(answer.headers["content-type"]).toBe("application/problem+json; charset=utf-8");
    expect(answer.headers["retry-after"]).toBe("7");
    expect(answer.json()).toMatchObject({
      code,
      status,
      detail: "says the core",
      info: { state: "draining" },
      requestId: answer.headers["x-request-id"],
    });
  });

  it("tells where a new server is to be found", async () => {
    expect(
      (await api.call("POST", "/v1/servers", { body: { experienceId: "arena", region: "local" } })).headers.location,
    ).toBe("/v1/servers/srv-local-1");
  });

  it("answers 202 with the place in the queue where there is no seat yet", async () => {
    api.backend.when("createSession", () => ({ ok: true, value: queuedSample({ position: 3 }) }));
    api.backend.when("waitQueue", () => ({ ok: true, value: queuedSample({ position: 2 }) }));
    const queued = await api.call("POST", "/v1/sessions", { body: { playerId: "ann", experienceId: "arena" } });
    const queueTicket = expect.stringMatching(/^que-local-1~/) as string;
    const { claim, ...told } = queuedSample({ queueTicket });
    expect([queued.statusCode, queued.json()]).toEqual([202, { ...told, position: 3 }]);
    const waited = await api.call("GET", "/v1/queue/que-local-1?wait=1");
    expect([waited.statusCode, waited.json()]).toEqual([202, { ...told, position: 2 }]);
    // The ticket carries the wait to whoever is asked with it, and to nobody where it was changed.
    const sealed = queued.json<{ queueTicket: string }>().queueTicket;
    await api.call("GET", `/v1/queue/${sealed}?wait=1`);
    expect(api.backend.asked.at(-1)?.command).toMatchObject({ queueTicket: "que-local-1", claim });
    const changed = await api.call("GET", `/v1/queue/${sealed.slice(0, -1)}?wait=1`);
    expect([changed.statusCode, changed.json<{ code: string }>().code]).toEqual([404, "unknownQueueTicket"]);
  });

  it("asks for the region that suits most players of a match", async () => {
    const players = [
      { playerId: "a", latencies: { eu: 10, us: 90 } },
      { playerId: "b", latencies: { eu: 30 } },
      { playerId: "c" },
    ];
    api.backend.others = [{ name: "us-east", url: "http://127.0.0.1:1", location: undefined }];
    await api.call("POST", "/v1/allocations", { body: { experienceId: "arena", matchId: "m", players } });
    expect(api.backend.asks).toEqual([
      {
        experienceId: "arena",
        version: undefined,
        mods: [],
        region: undefined,
        latencies: { eu: 20, us: 90 },
        partySize: 3,
      },
    ]);
  });

  it.each([
    [[], 1],
    [["ben"], 2],
    [["ann", "ben"], 2],
  ])("counts a party of %j as %i", async (party, partySize) => {
    api.backend.others = [{ name: "us-east", url: "http://127.0.0.1:1", location: undefined }];
    await api.call("POST", "/v1/sessions", { body: { playerId: "ann", experienceId: "arena", party } });
    expect(api.backend.asks).toEqual([expect.objectContaining({ partySize })]);
  });

  it.each([
    ["operator", "ticket-1"],
    ["allocator", "ticket-1"],
    ["viewer", null],
  ] as const)("lets %s who follows a session see ticket %p", async (role, ticket) => {
    const answer = await api.call("GET", "/v1/sessions/ses-local-1?wait=0", {
      headers: { authorization: api.as(role) },
    });
    expect(answer.json()).toMatchObject({ session: { id: "ses-local-1" }, ticket });
  });

  it("tells players of regions, but not of their nodes", async () => {
    const nodesFor = async (role: "viewer" | "player"): Promise<unknown[]> => {
      const answer = await api.call("GET", "/v1/regions", { headers: { authorization: api.as(role) } });
      return answer.json<{ items: { nodes: unknown[] }[] }>().items.flatMap(({ nodes }) => nodes);
    };
    expect([(await nodesFor("viewer")).length, (await nodesFor("player")).length]).toEqual([1, 0]);
  });

  it("lists a player's own sessions where they ask for no one's", async () => {
    await api.call("GET", "/v1/sessions", { headers: { authorization: api.as("player", "ann") } });
    expect(api.backend.asked.at(-1)?.command).toEqual({ type: "findSessions", playerId: "ann" });
  });

  it("does not let a player place others", async () => {
    const authorization = api.as("player", "ann");
    const body = { playerId: "ann", experienceId: "arena" };
    expect(
      (await api.call("POST", "/v1/sessions", { body: { ...body, party: ["ann"] }, headers: { authorization } }))
        .statusCode,
    ).toBe(200);
    const refusal = await api.call("POST", "/v1/sessions", {
      body: { ...body, party: ["ben"] },
      headers: { authorization },
    });
    expect([refusal.statusCode, refusal.json<{ code: string }>().code]).toEqual([403, "notYours"]);
  });

  it("finds out whose a queue ticket is, waiting or placed", async () => {
    const authorization = api.as("player", "eve");
    api.backend.when("waitQueue", () => ({ ok: true, value: queuedSample() }));
    expect((await api.call("GET", "/v1/queue/que-local-1", { headers: { authorization } })).statusCode).toBe(403);
    api.backend.when("waitQueue", () => ({ ok: true, value: placementSample({ playerId: "eve" }) }));
    expect((await api.call("GET", "/v1/queue/que-local-1", { headers: { authorization } })).statusCode).toBe(200);
  });
});
