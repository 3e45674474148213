import { copyFileSync, mkdirSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import fc from "fast-check";
import pino from "pino";
import { Agent, request } from "undici";
import { systemClock } from "../../protocol/clock";
import { findProgram, skipUnless } from "../../test/skips";
import { until } from "../../test/until";
import { BackendDouble, serverSample } from "../api/backend-double";
import type { AllocationRequest } from "../core/allocation";
import { Tokens } from "../tokens";
import { startAllocatorService, type AllocatorOptions, type AllocatorService } from "./allocator-service";
import { AllocationClient, encoded, framed } from "./testing/allocation-client";
import { Authorities } from "./testing/authorities";

const KEY = "a key of one run, for tests only, long enough";
const ALLOCATE = "/allocation.AllocationService/Allocate";
const FLEET = { gameServerSelectors: [{ matchLabels: { "agones.dev/fleet": "arena" } }] };

const tokens = new Tokens(KEY, systemClock);
const asked: AllocationRequest[] = [];
let backend: BackendDouble;
let service: AllocatorService;
const closing: (() => Promise<void>)[] = [];

async function start(auth: AllocatorOptions["auth"]): Promise<AllocatorService> {
  const deps = { backend, tokens, token: () => "", clock: systemClock, log: pino({ level: "silent" }) };
  const started = await startAllocatorService({ host: "127.0.0.1", port: 0, auth }, deps);
  closing.push(() => started.close());
  return started;
}

async function client(url: string, options: object = {}): Promise<AllocationClient> {
  const opened = await AllocationClient.connect(url, options);
  closing.push(() => opened.close());
  return opened;
}

async function post(body: string, at = service, path = "/gameserverallocation", headers: Record<string, string> = {}) {
  const answer = await request(`http://127.0.0.1:${at.port}${path}`, { method: "POST", body, headers });
  return { status: answer.statusCode, body: (await answer.body.json()) as Record<string, unknown> };
}

beforeEach(async () => {
  asked.length = 0;
  backend = new BackendDouble().when("allocateServer", ({ request: of }) => {
    asked.push(of);
    const none = of.selectors[0]?.matchLabels["agones.dev/fleet"] === "none";
    const busy = of.selectors[0]?.matchLabels["agones.dev/fleet"] === "busy";
    if (none)
      return { ok: false, problem: { code: "noCapacity", detail: "there is no available GameServer to allocate" } };
    if (busy) return { ok: false, problem: { code: "conflict", detail: "taken by others" } };
    const counters = { rooms: { count: 1, capacity: 5 } };
    return { ok: true, value: serverSample({ state: "allocated", labels: { map: "ice" }, counters }) };
  });
  service = await start({ kind: "none" });
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

test("answers gRPC and REST on one port, HTTP/1.1 and HTTP/2, with the same content", async () => {
  const rest = await post(JSON.stringify(FLEET));
  expect(rest).toMatchObject({
    status: 200,
    body: {
      gameServerName: "srv-local-1",
      ports: [{ name: "game", port: 20001 }],
      address: "127.0.0.1",
      addresses: [{ type: "ExternalIP", address: "127.0.0.1" }],
      nodeName: "node-1",
      source: "local",
      metadata: { labels: { map: "ice", "agones.dev/fleet": "arena" }, annotations: {} },
      counters: { rooms: { count: "1", capacity: "5" } },
      lists: {},
    },
  });
  const grpc = await (await client(`http://127.0.0.1:${service.port}`)).allocate(FLEET);
  expect(grpc.status).toBe(0);
  const { lists: _none, ...told } = rest.body;
  expect(grpc.answer).toMatchObject({ ...told, metadata: { labels: { map: "ice" } } });
  expect(await restOverHttp2(JSON.stringify(FLEET))).toEqual({ status: 200, body: rest.body });
});

/** As curl and Go's own client call it where TLS lets them choose. */
function restOverHttp2(body: string): Promise<{ status: unknown; body: unknown }> {
  const session = connectHttp2(`http://127.0.0.1:${service.port}`);
  return new Promise((resolve, reject) => {
    const stream = session.request({ ":method": "POST", ":path": "/gameserverallocation" });
    let text = "";
    let status: unknown;
    stream.on("response", (headers) => (status = headers[":status"]));
    stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
    stream.once("error", reject);
    stream.once("end", () => session.close(() => resolve({ status, body: JSON.parse(text) as unknown })));
    stream.end(body);
  });
}

test.each([
  ["none", 8, 429, "there is no available GameServer to allocate"],
  ["busy", 10, 409, "taken by others"],
])("says of fleet %s gRPC %i and HTTP %i, as Agones does", async (fleet, code, status, message) => {
  const of = { gameServerSelectors: [{ matchLabels: { "agones.dev/fleet": fleet } }] };
  expect(await post(JSON.stringify(of))).toEqual({ status, body: { code, message, details: [] } });
  const grpc = await (await client(`http://127.0.0.1:${service.port}`)).allocate(of);
  expect(grpc).toEqual({ status: code, message, answer: undefined });
});

test("takes everything that an allocation may say, and Agones' defaults for what it does not", async () => {
  const grpc = await client(`http://127.0.0.1:${service.port}`);
  await grpc.allocate({
    requiredGameServerSelector: { matchLabels: { map: "sand" } },
    preferredGameServerSelectors: [
      { matchLabels: { map: "ice" }, gameServerState: "ALLOCATED", players: { minAvailable: 1, maxAvailable: 9 } },
    ],
    scheduling: "Distributed",
    metaPatch: { labels: { mode: "duel" }, annotations: { "example.com/match": "m 1" } },
    priorities: [{ type: "List", key: "teams", order: "Descending" }, { key: "rooms" }],
    counters: { rooms: { action: "Increment", amount: "2", capacity: "9" } },
    lists: { teams: { addValues: ["red"], capacity: "4" } },
  });
  await grpc.allocate({});
  const nothing = { matchExpressions: [], counters: {}, lists: {} };
  const noPlayers = { minAvailable: 0, maxAvailable: 0 };
  expect(asked).toEqual([
    {
      selectors: [
        { ...nothing, matchLabels: { map: "ice" }, state: "Allocated", players: { minAvailable: 1, maxAvailable: 9 } },
        { ...nothing, matchLabels: { map: "sand" }, state: "Ready", players: noPlayers },
      ],
      scheduling: "distributed",
      priorities: [
        { type: "List", key: "teams", order: "Descending" },
        { type: "Counter", key: "rooms", order: "Ascending" },
      ],
      labels: { mode: "duel" },
      annotations: { "example.com/match": "m 1" },
      change: {
        counters: { rooms: { action: "Increment", amount: 2, capacity: 9 } },
        lists: { teams: { addValues: ["red"], deleteValues: [], capacity: 4 } },
      },
    },
    {
      selectors: [{ ...nothing, matchLabels: {}, state: "Ready", players: noPlayers }],
      scheduling: "packed",
      priorities: [],
      labels: {},
      annotations: {},
      change: { counters: {}, lists: {} },
    },
  ]);
});

test("a namespace is a region; in an unknown one there is nothing, as in Agones", async () => {
  expect((await post(JSON.stringify({ ...FLEET, namespace: "local" }))).status).toBe(200);
  expect(await post(JSON.stringify({ ...FLEET, namespace: "elsewhere" }))).toMatchObject({
    status: 429,
    body: { code: 8 },
  });
});

test.each<[string, string, string]>([
  ["no JSON", "{", "no AllocationRequest"],
  ["another shape", "[1]", "no AllocationRequest"],
  [
    "a number too large",
    '{"counters":{"rooms":{"action":"Increment","amount":"99999999999999999999"}}}',
    "no AllocationRequest",
  ],
  ["an action without amount", '{"counters":{"rooms":{"action":"Increment"}}}', "given together"],
  ["a negative amount", '{"counters":{"rooms":{"action":"Increment","amount":-1}}}', "greater than or equal to 0"],
  ["a name that is none", '{"metadata":{"labels":{"__proto__":"x","a b":"y"}}}', "qualified name"],
  ["a priority without key", '{"priorities":[{}]}', "key must not be empty"],
  ["too many selectors", JSON.stringify({ gameServerSelectors: Array.from({ length: 99 }, () => ({})) }), "selectors"],
])("refuses %s and says where", async (_what, body, message) => {
  const answer = await post(body);
  expect(answer).toMatchObject({ status: 400, body: { code: 3 } });
  expect(answer.body["message"]).toContain(message);
  expect(asked).toEqual([]);
});

test("refuses other paths and methods, compressed and broken messages, and whatever is too long", async () => {
  expect(await post("{}", service, "/elsewhere")).toMatchObject({ status: 404, body: { code: 5 } });
  const { statusCode } = await request(`http://127.0.0.1:${service.port}/gameserverallocation`);
  expect(statusCode).toBe(501);
  const grpc = await client(`http://127.0.0.1:${service.port}`);
  expect((await grpc.send("/allocation.AllocationService/Other", framed(encoded({})))).status).toBe(12);
  expect((await grpc.send("/grpc.health.v1.Health/Check", framed(new Uint8Array()))).status).toBe(0);
  expect((await grpc.send(ALLOCATE, framed(encoded({}), 1))).status).toBe(12);
  expect((await grpc.send(ALLOCATE, framed(encoded({})).subarray(0, 3))).status).toBe(13);
  expect((await grpc.send(ALLOCATE, framed(Buffer.alloc(300 * 1024)))).status).toBe(8);
  expect((await post("x".repeat(300 * 1024))).status).toBe(429);
  expect((await grpc.allocate(FLEET)).status).toBe(0);
});

test("any bytes on either wire get an answer, and the next call is served", async () => {
  const grpc = await client(`http://127.0.0.1:${service.port}`);
  const good = encoded({ ...FLEET, counters: { rooms: { action: "Increment", amount: "1" } } });
  const mutated = fc
    .tuple(fc.nat(good.length - 1), fc.nat(255))
    .map(([at, to]) => Buffer.from(good).fill(to, at, at + 1));
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated), async (bytes) => {
      const { status } = await grpc.send(ALLOCATE, framed(bytes));
      expect([0, 3, 8, 10]).toContain(status);
    }),
    { numRuns: 300 },
  );
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.json(), fc.string()), async (text) => {
      expect([200, 400, 429]).toContain((await post(text)).status);
    }),
    { numRuns: 200 },
  );
  expect((await grpc.allocate(FLEET)).status).toBe(0);
});

test("what is neither version of HTTP costs nothing but its connection", async () => {
  for (const bytes of ["PRI * HTTP/2.0\r\n\r\nnonsense", "\u0016\u0003\u0001", "GET"]) {
    const socket = connect(service.port, "127.0.0.1");
    socket.on("error", () => undefined);
    await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
    socket.destroy();
  }
  expect((await post(JSON.stringify(FLEET))).status).toBe(200);
});

test("takes Forge's tokens, of who may allocate here", async () => {
  const guarded = await start({ kind: "token" });
  const bearer = (role: "allocator" | "viewer", regions: string[]) => ({
    authorization: `Bearer ${tokens.mint({ sub: "mm", role, regions }).token}`,
  });
  const status = async (headers: Record<string, string>) =>
    (await post(JSON.stringify(FLEET), guarded, "/gameserverallocation", headers)).status;
  expect(await status({})).toBe(401);
  expect(await status({ authorization: "Bearer nonsense" })).toBe(401);
  expect(await status(bearer("viewer", ["*"]))).toBe(403);
  expect(await status(bearer("allocator", ["mars"]))).toBe(403);
  expect(await status(bearer("allocator", ["local"]))).toBe(200);
  const grpc = await client(`http://127.0.0.1:${guarded.port}`);
  expect((await grpc.allocate(FLEET)).status).toBe(16);
  expect((await grpc.allocate(FLEET, bearer("allocator", ["*"]))).status).toBe(0);
});

const OPENSSL = findProgram("openssl");

skipUnless(
  "mutual TLS",
  "openssl is not installed",
  OPENSSL !== undefined,
)("mutual TLS", () => {
  let authorities: Authorities;
  const file = (name: string): string => authorities.file(name);
  const tls = (name: string, ca: string) => authorities.tls(name, ca);

  beforeAll(() => {
    authorities = new Authorities(OPENSSL ?? "");
    for (const name of ["servers", "clients", "others"]) authorities.authority(name);
    authorities.certificate("server", "servers");
    authorities.certificate("server2", "others");
    authorities.certificate("good", "clients");
    authorities.certificate("bad", "others");
  });
  afterAll(() => authorities.remove());

  test("serves who has a certificate of one of the authorities, and takes new ones without a restart", async () => {
    mkdirSync(file("ca"));
    copyFileSync(file("clients.crt"), file("ca/clients.crt"));
    copyFileSync(file("server.crt"), file("tls.crt"));
    copyFileSync(file("server.key"), file("tls.key"));
    const files = { certFile: file("tls.crt"), keyFile: file("tls.key"), clientCaDir: file("ca") };
    const guarded = await start({ kind: "mtls", files });
    const url = `https://127.0.0.1:${guarded.port}`;
    const first = await client(url, tls("good", "servers"));
    expect((await first.allocate(FLEET)).status).toBe(0);
    await expect(client(url, tls("bad", "servers"))).rejects.toThrow();
    const { ca } = tls("good", "servers");
    const [agent, stranger] = [new Agent({ connect: tls("good", "servers") }), new Agent({ connect: { ca } })];
    closing.push(async () => void (await Promise.all([agent.close(), stranger.close()])));
    await expect(request(`${url}/gameserverallocation`, { method: "POST", dispatcher: stranger })).rejects.toThrow();
    const rest = await request(`${url}/gameserverallocation`, {
      method: "POST",
      body: JSON.stringify(FLEET),
      dispatcher: agent,
    });
    expect(rest.statusCode).toBe(200);
    await rest.body.dump();

    copyFileSync(file("others.crt"), file("ca/others.pem"));
    copyFileSync(file("server2.crt"), file("tls.crt"));
    copyFileSync(file("server2.key"), file("tls.key"));
    // They are looked at each second.
    await until("who is of the other authority may allocate", async () => {
      return (await (await client(url, tls("bad", "others"))).allocate(FLEET)).status === 0;
    });
    expect((await first.allocate(FLEET)).status).toBe(0);
  });
});
