import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer, type AddressInfo, type Server } from "node:net";
import { systemClock } from "../../protocol/clock";
import { freePort } from "../../protocol/free-ports";
import type { ExpectedHealth } from "../../protocol/messages";
import type { RunningProbes } from "../finding";
import { PidusageTable } from "../stats/pidusage-table";
import { hostsOf } from "./probe-loop";
import { startProbes } from "./start-probes";
import { HeardFindings, testServer } from "./test-findings";

const start = startProbes({ clock: systemClock, random: Math.random, processes: new PidusageTable() });
const running: RunningProbes[] = [];
const closing: (() => Promise<unknown> | void)[] = [];
let heard: HeardFindings;

beforeEach(() => {
  heard = new HeardFindings();
});
afterEach(async () => {
  for (const probes of running.splice(0)) await probes.stop();
  for (const close of closing.splice(0)) await close();
});

function probe(port: number, health: Partial<ExpectedHealth>): RunningProbes {
  const probes = start(testServer({ ports: { game: port }, health }), heard.report);
  running.push(probes);
  return probes;
}

async function listen(server: Server, port = 0, host = "127.0.0.1"): Promise<number> {
  server.listen(port, host);
  await once(server, "listening");
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as AddressInfo).port;
}

const http = { kind: "http", path: "/health", port: "game", metricsPath: undefined } as const;

describe("http", () => {
  let answer: RequestListener;
  const serve = () => listen(createHttpServer((request, response) => answer(request, response)));

  test("ready at the first 2xx, ill after three others in a row, well after two 2xx", async () => {
    let status = 503;
    let asked = 0;
    answer = ({ url }, response) => {
      asked += url === "/health" ? 1 : 0;
      response.writeHead(status, { location: "/elsewhere" }).end("x".repeat(100_000));
    };
    const port = await serve();
    probe(port, { check: http });
    await until(() => asked > 4);
    expect(heard.kinds).toEqual([]);
    status = 204;
    await heard.hears("ready");
    status = 302;
    expect((await heard.hears("unhealthy")).reason).toBe(
      "3 probes in a row failed, the last with: GET /health was answered with 302",
    );
    status = 200;
    await heard.hears("healthy");
    expect(heard.kinds).toEqual(["ready", "unhealthy", "healthy"]);
  });

  test("an answer that does not come in time is none, and the next look does not wait for it", async () => {
    answer = (_request, response) => void response.end();
    const port = await serve();
    probe(port, { check: http, timeoutMs: 100 });
    await heard.hears("ready");
    let open = 0;
    let most = 0;
    answer = (_request, response) => {
      most = Math.max(most, ++open);
      // The head at once, the end never: as bad as nothing.
      response.writeHead(200).write("…");
      response.on("close", () => open--);
    };
    expect((await heard.hears("unhealthy")).reason).toContain("no answer within 100 ms");
    expect(most).toBe(1);
  });

  test("a server that has gone is ill, and says what the system said", async () => {
    answer = (_request, response) => void response.end();
    const port = await serve();
    probe(port, { check: http });
    await heard.hears("ready");
    await closing.pop()?.();
    expect((await heard.hears("unhealthy")).reason).toContain("ECONNREFUSED");
  });

  test("its metrics are read beside, and are no matter of health", async () => {
    const bad = [
      { status: 500, text: "" },
      { status: 200, text: "nonsense {" },
      { status: 200, text: "x".repeat(3_000_000) },
    ];
    const good = { status: 200, text: "forge_response_ms 17\nforge_errors_per_second 0\n" };
    answer = ({ url }, response) => {
      if (url !== "/metrics?all=1") return void response.end("fine");
      const { status, text } = bad.shift() ?? good;
      response.writeHead(status).end(text);
    };
    probe(await serve(), { check: { ...http, metricsPath: "/metrics?all=1" } });
    expect(await heard.hears("metrics")).toEqual({ kind: "metrics", responseMs: 17, errorRate: 0 });
    expect(heard.kinds.slice(0, 2)).toEqual(["ready", "metrics"]);
    expect(bad).toEqual([]);
  });
});

describe("tcp", () => {
  test("ready once it accepts, ill once it does not, well when it is back", async () => {
    const port = await freePort();
    probe(port, { check: { kind: "tcp", port: "game" } });
    let accepted = 0;
    const server = () => createServer((socket) => void (accepted++, socket.on("error", () => undefined).resume()));
    await listen(server(), port);
    await heard.hears("ready");
    await closing.pop()?.();
    expect((await heard.hears("unhealthy")).reason).toMatch(/tcp 127\.0\.0\.1:\d+: .*ECONNREFUSED/);
    await listen(server(), port);
    await heard.hears("healthy");
    expect(accepted).toBeGreaterThanOrEqual(3);
  });

  test("a server that listens on its public address alone is found there", async () => {
    const port = await listen(
      createServer((socket) => void socket.destroy()),
      0,
      "127.0.0.2",
    );
    const server = testServer({
      address: "127.0.0.2",
      ports: { game: port },
      health: { check: { kind: "tcp", port: "game" } },
    });
    running.push(start(server, heard.report));
    await heard.hears("ready");
  });

  test.each([
    ["127.0.0.1", ["127.0.0.1"]],
    ["10.1.2.3", ["127.0.0.1", "10.1.2.3"]],
    ["::1", ["127.0.0.1", "::1"]],
    ["play.example.com", ["127.0.0.1"]],
  ])("of a server at %s is asked at %j", (address, hosts) => expect(hostsOf({ address })).toEqual(hosts));
});

describe("query", () => {
  /** As much of a Quake III server as a query sees. */
  async function quake3(players: () => readonly string[]): Promise<number> {
    const socket: UdpSocket = createSocket("udp4");
    socket.on("message", (message, { address, port }) => {
      if (!message.toString("latin1").startsWith("\xff\xff\xff\xffgetstatus")) return;
      const lines = ["statusResponse", "\\sv_hostname\\test\\sv_maxclients\\8", ...players(), ""];
      socket.send(Buffer.from(`\xff\xff\xff\xff${lines.join("\n")}`, "latin1"), port, address);
    });
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    closing.push(() => new Promise<void>((resolve) => void socket.close(() => resolve())));
    return socket.address().port;
  }

  test.each(["quake3", "openarena"])("as %s tells who is on, without bots", async (protocol) => {
    let players = ['3 48 "^1Ann"', '0 0 "Sarge"'];
    const port = await quake3(() => players);
    probe(port, { check: { kind: "query", protocol, port: "game" } });
    await heard.hears("ready");
    expect(await heard.hears("players")).toEqual({ kind: "players", count: 1, names: ["Ann"] });
    players = ['1 20 "Ann"', '1 20 "Bob"'];
    expect(await heard.hears("players", ({ count }) => count === 2)).toMatchObject({ names: ["Ann", "Bob"] });
  });

  test("without an answer is ill", async () => {
    const port = await quake3(() => []);
    probe(port, { check: { kind: "query", protocol: "quake3", port: "game" }, timeoutMs: 100 });
    await heard.hears("ready");
    await closing.pop()?.();
    expect((await heard.hears("unhealthy")).reason).toMatch(
      /no answer within 100 ms|protocol-quake3 query to 127\.0\.0\.1:\d+: .*100ms/,
    );
  });

  test.each([
    ["nosuchgame", /no protocol or game is called "nosuchgame"/],
    ["__proto__", /no protocol or game/],
    ["discord", /answered by a service elsewhere/],
    ["factorio", /answered by a service elsewhere/],
  ])("for %s says at once that it cannot be", async (protocol, reason) => {
    probe(1, { check: { kind: "query", protocol, port: "game" } });
    expect((await heard.hears("unhealthy")).reason).toMatch(reason);
    expect(heard.kinds).toEqual(["unhealthy"]);
  });
});

describe("any of them", () => {
  test("on a port that the server does not have is refused with those it has", () => {
    const check = { kind: "tcp", port: "web" } as const;
    expect(() => probe(1, { check })).toThrow('health: server s1 has no port "web"; it has game');
  });

  test("stops at once, also while it waits for an answer, and says nothing more", async () => {
    let asked = (): void => undefined;
    const waiting = new Promise<void>((resolve) => (asked = resolve));
    const port = await listen(createHttpServer(() => asked()));
    const health = { check: http, timeoutMs: 60_000, unhealthyThreshold: 1 };
    const known = { ready: true, healthy: true };
    const probes = start(testServer({ ports: { game: port }, health }), heard.report, known);
    await waiting;
    await probes.stop();
    await probes.stop();
    expect(heard.all).toEqual([]);
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
