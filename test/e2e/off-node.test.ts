import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Agent } from "../../agent/agent";
import type { Finding } from "../../agent/finding";
import { Handshakes } from "../../agent/probes/handshakes";
import { Core } from "../../controller/core/core";
import type { CommandResult } from "../../controller/core/decision";
import type { Command, Input } from "../../controller/core/input";
import type { ForgeEvent, Placement, Server, Session } from "../../controller/core/resources";
import { EngineDouble } from "../../controller/core/testing/engine-double";
import { testExperience, testSettings } from "../../controller/core/testing/settings-double";
import type { Channel } from "../../protocol/channel";
import { systemClock } from "../../protocol/clock";
import { agentControllerPair } from "../../protocol/memory-channel";
import type { FromAgent, FromController } from "../../protocol/messages";
import { PROTOCOL_VERSION } from "../../protocol/versions";

/**
 * A region of two nodes with real agents, a real core, and game servers that are real processes, each reached by the other
 * node's agent over real sockets. Placing is a double's, as one machine has one node.
 */

const NODES = ["n1", "n2"];
const SERVER = `const server = require("node:http").createServer((_, answer) => answer.end("ok"));
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit()).resume();`;

/** Plain `Omit` over the union would lose its cases. */
type Untimed<T> = T extends unknown ? Omit<T, "nowMs"> : never;

class TwoNodes {
  readonly events: ForgeEvent[] = [];
  private readonly engine = new EngineDouble("here", NODES);
  private readonly channels = new Map<string, Channel<FromController, FromAgent>>();
  private readonly agents: Agent[] = [];
  private readonly folder = mkdtempSync(join(tmpdir(), "forge-off-node-"));
  private readonly heard: { readonly type: string; readonly resolve: (event: ForgeEvent) => void }[] = [];
  /** By server: what its probes say. */
  readonly probes = new Map<string, (finding: Finding) => void>();
  private readonly placed = new Map<string, number>();
  private readonly replies: ((value: CommandResult) => void)[] = [];
  private readonly core: Core;
  private ids = 0;
  private ticking: NodeJS.Timeout | undefined;

  /** @param ports of the game servers, on the nodes in turn */
  constructor(
    private readonly ports: readonly number[],
    reachIntervalSecs = 0.5,
  ) {
    const web = { protocol: "http" as const, static: undefined, tls: undefined };
    const arena = testExperience("arena", {
      ports: { web },
      maxPlayers: 4,
      scaling: { minServers: ports.length, maxServers: 2 * ports.length },
      routing: { strategy: "spread" },
    });
    const { health, ...settings } = testSettings([arena]);
    const reach = { ...health, timeoutSecs: 0.3, reachIntervalSecs, limitSecs: 600 };
    this.core = new Core({
      settings: { ...settings, health: reach },
      controllerId: "c",
      ids: (kind) => `${kind}-${String(++this.ids)}`,
    });
  }

  async start(): Promise<void> {
    for (const nodeId of NODES) await this.startAgent(nodeId);
    this.give({ type: "leadership", leader: true, epoch: 1 });
    this.give({ type: "engineList", servers: [] });
    this.ticking = setInterval(() => this.give({ type: "tick" }), 100);
  }

  /** The next event of a type from now on. */
  next(type: ForgeEvent["type"]): Promise<ForgeEvent> {
    return new Promise((resolve) => this.heard.push({ type, resolve }));
  }

  async ask<T>(command: Command): Promise<T> {
    const result = await new Promise<CommandResult>((resolve) => {
      const requestId = this.replies.push(resolve) - 1;
      this.give({ type: "command", requestId, command });
    });
    if (!result.ok) throw new Error(result.problem.detail);
    return result.value as T;
  }

  async close(): Promise<void> {
    clearInterval(this.ticking);
    await Promise.all(this.agents.map((agent) => agent.close()));
    rmSync(this.folder, { recursive: true });
  }

  private async startAgent(nodeId: string): Promise<void> {
    const quiet = (): void => undefined;
    const agent = await Agent.start({
      nodeId,
      region: "here",
      bootId: nodeId,
      agentVersion: "1",
      node: { address: "127.0.0.1", cpu: 2000, memory: 2048, limits: { cpu: false, memory: false, detail: "" } },
      journalDir: join(this.folder, nodeId),
      disk: fs,
      clock: systemClock,
      ticketSecret: "a-ticket-secret-of-the-tests",
      startProbes: ({ serverId }, report) => {
        this.probes.set(serverId, report);
        queueMicrotask(() => report({ kind: "ready" }));
        return { stop: () => Promise.resolve() };
      },
      handshakes: new Handshakes({ clock: systemClock }),
      processStarted: () => "started",
      log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    });
    this.agents.push(agent);
    const { agent: theirs, controller } = agentControllerPair();
    this.channels.set(nodeId, controller);
    controller.onMessage((message) => {
      if (message.type === "ping") {
        controller.send(message);
        return;
      }
      if (message.type === "hello")
        controller.send({
          type: "welcome",
          protocol: PROTOCOL_VERSION,
          controllerId: "c",
          region: "here",
          leader: true,
          epoch: 1,
        });
      this.give({ type: "agent", nodeId, message });
    });
    agent.attachController(theirs);
  }

  private give(input: Untimed<Input>): void {
    for (const decision of this.core.handle({ ...input, nowMs: Date.now() })) {
      if (decision.type === "send")
        this.channels.get(decision.nodeId)?.send({ type: "request", id: decision.id, epoch: 1, body: decision.body });
      else if (decision.type === "start") this.engine.start(decision.launch);
      else if (decision.type === "event") this.tell(decision.event);
      else if (decision.type === "reply") this.replies[decision.requestId]?.(decision.result);
    }
    for (const event of this.engine.events.splice(0)) {
      if (event.type !== "placed" && event.type !== "running") continue;
      const port = this.portOf(event.server.serverId);
      this.give({
        type: "engine",
        event: { ...event, server: { ...event.server, address: "127.0.0.1", ports: { web: port } } },
      });
    }
  }

  /** Servers are placed on the nodes in turn. */
  private portOf(serverId: string): number {
    const known = this.placed.get(serverId) ?? this.ports[this.placed.size] ?? 0;
    this.placed.set(serverId, known);
    return known;
  }

  private tell(event: ForgeEvent): void {
    this.events.push(event);
    const at = this.heard.findIndex(({ type }) => type === event.type);
    if (at >= 0) this.heard.splice(at, 1)[0]?.resolve(event);
  }
}

test("a node whose servers end together is isolated as one, and the players of its last are moved to the other", async () => {
  // Nothing listens there: nobody is asked to reach them before the test is over.
  const region = new TwoNodes([1, 1, 1, 1, 1, 1, 1, 1], 600);
  const ready = Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(() => region.next("server.ready")));
  await region.start();
  await ready;
  const placed = await Promise.all(
    Array.from({ length: 8 }, (_, i) =>
      region.ask<Placement>({ type: "createSession", playerId: `p${String(i)}`, experienceId: "arena" }),
    ),
  );
  const ours = (await region.ask<Server[]>({ type: "listServers" })).filter(({ nodeId }) => nodeId === "n1");
  expect(ours.map(({ players }) => players)).toEqual([1, 1, 1, 1]);
  const last = placed.find(({ server }) => server.id === ours[3]?.id);
  const isolated = region.next("node.isolated");
  const moved = Promise.all([1, 2, 3, 4].map(() => region.next("session.moved")));
  for (const { id } of ours.slice(0, 3)) region.probes.get(id)?.({ kind: "exited", reason: "killed" });
  expect(await isolated).toMatchObject({ detail: { nodeId: "n1", inTrouble: ours.slice(0, 3).map(({ id }) => id) } });
  await moved;
  const session = await region.ask<Session>({ type: "getSession", sessionId: last?.session.id ?? "" });
  const server = await region.ask<Server>({ type: "getServer", serverId: session.serverId ?? "" });
  expect({ generation: session.generation, nodeId: server.nodeId }).toEqual({ generation: 2, nodeId: "n2" });
  expect(region.events.filter(({ type }) => type === "session.lost")).toEqual([]);
  await region.close();
});

describe("a server that its own node finds well", () => {
  const children: ChildProcess[] = [];
  let region: TwoNodes;

  afterEach(async () => {
    await region.close();
    for (const child of children.splice(0)) {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    }
  });

  async function serve(): Promise<number> {
    const child = spawn(process.execPath, ["-e", SERVER], { stdio: ["pipe", "pipe", "inherit"] });
    children.push(child);
    const [line] = (await once(child.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
    return Number(line.toString());
  }

  test("is strained once the other node's agent gets no answer from it any more", async () => {
    // Two on each node: whoever tries has to reach one there to be believed of the other.
    region = new TwoNodes(await Promise.all([serve(), serve(), serve(), serve()]));
    const ready = Promise.all([1, 2, 3, 4].map(() => region.next("server.ready")));
    await region.start();
    await ready;
    const strained = region.next("server.strained");
    // Hung: it takes connections, as the kernel does that for it, and says nothing.
    children[0]?.kill("SIGSTOP");
    expect(await strained).toMatchObject({
      reason: expect.stringMatching(/not reached from node n2: .*no answer within 300 ms/),
    });
    expect(region.events.filter(({ type }) => type === "server.strained")).toHaveLength(1);
  });
});
