import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSync } from "esbuild";
import type { Channel } from "../protocol/channel";
import { systemClock } from "../protocol/clock";
import { controllerCodec, gateCodec } from "../protocol/codec";
import type { FromAgent, FromController } from "../protocol/messages";
import { listenSocket, type ChannelListener } from "../protocol/socket-listener";
import { expectedServer, PATIENT, seatRequest, TestController, TestGate } from "./test-node";

/** The agent as a program of its own, killed while it grants. */
const folder = mkdtempSync(join(tmpdir(), "forge-agent-process-"));
const program = join(folder, "agent.js");
const config = join(folder, "agent.json");
const secret = "the-secret-of-this-test";
const listeners: ChannelListener[] = [];
let running: ChildProcess | undefined;

beforeAll(() => {
  buildSync({
    entryPoints: [join(__dirname, "main.ts")],
    bundle: true,
    platform: "node",
    target: "node20",
    outfile: program,
    logLevel: "error",
  });
  const node = {
    address: "127.0.0.1",
    cpu: 1000,
    memory: 1000,
    limits: { cpu: false, memory: false, detail: "none" },
  };
  const sockets = { controllers: [join(folder, "c.sock")], gateSocket: join(folder, "g.sock") };
  const names = { nodeId: "n", region: "test", journalDir: join(folder, "journal") };
  writeFileSync(
    config,
    JSON.stringify({
      ...names,
      ...sockets,
      secrets: { kind: "inline", shared: secret, ticket: secret },
      node,
      logLevel: "error",
    }),
  );
});

afterAll(async () => {
  if (running && running.exitCode === null && running.signalCode === null) {
    running.kill("SIGKILL");
    await once(running, "exit");
  }
  for (const listener of listeners) await listener.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Listens as controller and gate do, and gives the agent's next streams. */
async function listen() {
  const controllers: ((controller: TestController) => void)[] = [];
  const onController = (channel: Channel<FromController, FromAgent>): void => {
    void TestController.greet(channel).then((controller) => controllers.shift()?.(controller));
  };
  const gates: ((gate: TestGate) => void)[] = [];
  const options = { secret, clock: systemClock };
  listeners.push(
    await listenSocket(join(folder, "c.sock"), { ...options, codec: controllerCodec }, onController),
    await listenSocket(join(folder, "g.sock"), { ...options, codec: gateCodec }, (channel) => {
      gates.shift()?.(new TestGate(channel, {}));
    }),
  );
  return {
    connected: async () => {
      const controller = new Promise<TestController>((resolve) => controllers.push(resolve));
      const gate = new Promise<TestGate>((resolve) => gates.push(resolve));
      running = fork(program, [config], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
      return { controller: await controller, gate: await gate };
    },
  };
}

test("what it acknowledged survives SIGKILL in the middle of granting, each time", async () => {
  const { connected } = await listen();
  const acknowledged = new Map<string, number>();
  for (let round = 1; round <= 3; round++) {
    const { controller, gate } = await connected();
    const held = new Map(
      controller.snapshots[0]?.servers[0]?.seats.map(({ sessionId, generation }) => [sessionId, generation]),
    );
    for (const [sessionId, generation] of acknowledged) {
      expect([sessionId, held.get(sessionId)]).toEqual([sessionId, expect.any(Number)]);
      expect(held.get(sessionId)).toBeGreaterThanOrEqual(generation);
    }
    if (round === 1) {
      // Without processes: the test has none, and the agent would find them gone.
      const server = expectedServer({ maxPlayers: 100_000, pids: {}, health: PATIENT });
      await controller.ask({ kind: "expect", server });
      await gate.call("POST", "/v1/ready");
    }
    const on = { serverId: "s1", allocationId: "a1" };
    const enough = new Promise<void>((resolve) => {
      const goal = acknowledged.size + 300;
      for (let i = 0; i < 1000; i++) {
        const seat = seatRequest(`round-${round}-${i}`);
        void controller.ask({ kind: "grant", ...on, seats: [seat], leaseMs: 600_000 }).then((ack) => {
          if (ack.ok) acknowledged.set(seat.sessionId, seat.generation);
          if (acknowledged.size === goal) resolve();
        });
      }
    });
    await enough;
    running?.kill("SIGKILL");
    await once(running as ChildProcess, "exit");
  }
  expect(acknowledged.size).toBeGreaterThanOrEqual(900);
}, 240_000);

test("SIGTERM ends it in good order, with the journal free", async () => {
  const child = fork(program, [config], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  running = child;
  const second = fork(program, [config], { stdio: ["ignore", "ignore", "pipe", "ipc"] });
  // One of the two has the journal; the other says so and ends.
  const [first] = (await Promise.race([
    once(child, "exit").then(() => [second]),
    once(second, "exit").then(() => [child]),
  ])) as [ChildProcess];
  first.kill("SIGTERM");
  const [code, signal] = (await once(first, "exit")) as [number | null, string | null];
  expect([code, signal]).toEqual([0, null]);
});
