import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import * as fs from "node:fs";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../protocol/clock";
import { freePort } from "../protocol/free-ports";
import { agentControllerPair } from "../protocol/memory-channel";
import { startGate, type RunningGate } from "./gate/start-gate";
import { startAgent, type RunningAgent } from "./start-agent";
import { expectedServer, PATIENT, seatRequest, TestController, ticketOf } from "./test-node";

/** The real gate before the real agent, over their socket, with a game server's HTTP calls. */
const folder = mkdtempSync(join(tmpdir(), "forge-node-"));
const secret = "the-secret-of-this-test";
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
let gate: RunningGate;
let agent: RunningAgent;
let controller: TestController;
let port: number;

beforeAll(async () => {
  gate = await startGate(
    { agentSocket: join(folder, "gate.sock"), secrets: { kind: "inline", shared: secret } },
    { clock: systemClock, version: "test", log: quiet, env: {}, random: Math.random },
  );
  await boot();
  port = await freePort();
});

afterAll(async () => {
  await agent.close();
  await gate.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function boot(): Promise<void> {
  const connected = new Promise<TestController>((resolve) => {
    void startAgent(
      {
        nodeId: "n",
        region: "test",
        journalDir: join(folder, "journal"),
        gateSocket: join(folder, "gate.sock"),
        secrets: { kind: "inline", shared: secret, ticket: secret },
        node: { address: "127.0.0.1", cpu: 1, memory: 1, limits: { cpu: false, memory: false, detail: "" } },
      },
      {
        clock: systemClock,
        random: Math.random,
        env: {},
        bootId: "boot",
        agentVersion: "test",
        disk: fs,
        startProbes: () => ({ stop: () => Promise.resolve() }),
        processStarted: () => "then",
        log: quiet,
        dialControllers: (onChannel) => {
          const pair = agentControllerPair();
          onChannel(pair.agent);
          void TestController.greet(pair.controller).then(resolve);
          return { close: () => pair.agent.close() };
        },
      },
    ).then((running) => (agent = running));
  });
  controller = await connected;
}

async function call(method: string, path: string, body: object = {}) {
  const headers = { authorization: "Bearer token", "content-type": "application/json" };
  const init = method === "GET" ? { method, headers } : { method, headers, body: JSON.stringify(body) };
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, init);
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

/** The port opens a moment after the server is expected. */
async function opened(): Promise<void> {
  for (;;) {
    try {
      await call("GET", "/v1/players");
      return;
    } catch {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

async function watch(): Promise<IncomingMessage> {
  const headers = { authorization: "Bearer token" };
  const sent = request({ host: "127.0.0.1", port, path: "/v1/watch", headers }).end();
  const [stream] = (await once(sent, "response")) as [IncomingMessage];
  stream.setEncoding("utf8");
  stream.on("error", () => undefined);
  return stream;
}

async function textWith(stream: IncomingMessage, part: string): Promise<string> {
  let text = "";
  while (!text.includes(part)) text += String((await once(stream, "data"))[0]);
  return text;
}

const grant = async (sessionId: string) =>
  controller.ask({
    kind: "grant",
    serverId: "s1",
    allocationId: "a1",
    seats: [seatRequest(sessionId)],
    leaseMs: 30_000,
  });

test("states at their limits are kept, however JSON writes them", async () => {
  await controller.ask({ kind: "expect", server: expectedServer({ ports: { sdk: port }, pids: {}, health: PATIENT }) });
  await opened();
  const server = "\u0001".repeat(256 * 1024);
  expect(await call("POST", "/v1/snapshot", { server })).toMatchObject({ status: 200 });
});

test("a player comes in over HTTP; stream and seats outlive the agent", async () => {
  await controller.ask({ kind: "expect", server: expectedServer({ ports: { sdk: port }, pids: {}, health: PATIENT }) });
  await opened();
  const stream = await watch();
  expect(await textWith(stream, "event: gameserver")).toContain('"state":"starting"');
  expect(await call("POST", "/v1/ready")).toEqual({ status: 200, body: {} });
  const ticket = ticketOf(await grant("x"));
  expect(await call("POST", "/v1/players/join", { ticket })).toMatchObject({
    status: 200,
    body: { playerId: "player-x" },
  });
  expect(await call("POST", "/v1/players/join", { ticket })).toMatchObject({
    status: 403,
    body: { code: "ticketReplayed" },
  });

  await agent.close();
  // Asked while no agent is there, answered by the next.
  const players = call("GET", "/v1/players");
  await boot();
  expect(await players).toMatchObject({ status: 200, body: { players: [{ playerId: "player-x" }] } });
  expect(stream.closed).toBe(false);
  expect(await grant("y")).toMatchObject({ ok: true, free: 2 });

  const gone = new Promise<void>((resolve) => {
    controller.channel.onMessage((message) => {
      if (message.type === "report" && message.events.some(({ kind }) => kind === "gone")) resolve();
    });
  });
  stream.destroy();
  await gone;
});
