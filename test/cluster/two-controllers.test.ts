import { mkdtempSync, rmSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { nodeWorld } from "../../agent/node-world";
import { startAgent, type RunningAgent } from "../../agent/start-agent";
import { freePorts } from "../../protocol/free-ports";
import { VirtualEngine } from "../../bench/virtual-engine";
import { VirtualSdk } from "../../bench/virtual-sdk";
import { configKey, fleetsKey } from "../../config/region-names";
import { readControllerConfig } from "../../controller/controller-config";
import type { Engine } from "../../controller/engine";
import { startController, type RunningController } from "../../controller/start-controller";
import { Tokens } from "../../controller/tokens";
import { systemClock, wallClock } from "../../protocol/clock";
import { skipUnless } from "../skips";
import { until } from "../until";
import { ConsulAgent } from "./consul-agent";
import { findPart } from "./real-parts";

const consulProgram = findPart("consul");
const REGION = "us-east";
const NODES = ["node-1", "node-2", "node-3"];
const SECRETS = {
  shared: "what the programs of this test share",
  ticket: "for the tickets of this test only",
  token: "for the tokens of this test, and nothing else",
};
const log = pino({ level: "silent" });

const forgeToml = (servers: number): string => `
[[regions]]
name = "${REGION}"
engine = "embedded"
[experiences.arena]
command = "true"
version = "1.0.0"
max_players = 4
ports = { game = "udp" }
[experiences.arena.scaling]
min_servers = ${servers}
max_servers = 8
`;

interface Session {
  readonly id: string;
  readonly serverId: string;
  readonly generation: number;
}

interface Placed {
  readonly session: Session;
  readonly server: { readonly id: string };
}

interface Replica {
  readonly url: string;
  readonly running: RunningController;
}

skipUnless(
  "Consul",
  "consul is neither on PATH nor in Forge's cache",
  consulProgram !== undefined,
)("controllers and agents that find each other through a real Consul", () => {
  jest.setTimeout(150_000);
  let folder: string;
  let consul: ConsulAgent;
  const agents = new Map<string, RunningAgent>();
  const engine = new VirtualEngine(NODES);
  const sdk = new VirtualSdk(2000);
  const replicas: Replica[] = [];
  const tokens = new Tokens(SECRETS.token, systemClock);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "forge-replicas-"));
    consul = await ConsulAgent.start(consulProgram ?? "", folder);
    await startReplica("first");
    await until("the first leads", async () => (await view(0)).leader);
    await startReplica("second");
    for (const nodeId of NODES) agents.set(nodeId, await startNode(nodeId));
  });
  afterAll(async () => {
    for (const agent of agents.values()) await agent.close();
    for (const { running } of replicas) await running.close();
    sdk.close();
    await consul?.end();
    rmSync(folder, { recursive: true, force: true });
  });

  async function startReplica(name: string): Promise<void> {
    const [api = 0, link = 0] = await freePorts(2);
    const url = `http://127.0.0.1:${api}`;
    const config = {
      region: REGION,
      controllerId: name,
      config: { kind: "carried", base64: Buffer.from(forgeToml(1)).toString("base64") },
      dataDir: join(folder, name),
      // As Nomad fills it in.
      api: { host: "127.0.0.1", port: String(api) },
      publicUrl: url,
      agentListen: `127.0.0.1:${link}`,
      regions: [{ name: REGION, url }],
      consul: { address: consul.address },
      secrets: { kind: "inline", ...SECRETS },
      engine: { kind: "nomad", address: "http://127.0.0.1:1" },
    };
    // One engine for both; that one of them ends must not end it for the other.
    const shared: Engine = Object.create(engine, { close: { value: () => Promise.resolve() } });
    const running = await startController(readControllerConfig(JSON.stringify(config), "the test"), {
      clock: systemClock,
      wallClock,
      log,
      env: {},
      version: "0.0.0",
      connectEngine: () => Promise.resolve(shared),
    });
    replicas.push({ url, running });
  }

  function startNode(nodeId: string): Promise<RunningAgent> {
    return startAgent(
      {
        nodeId,
        region: REGION,
        journalDir: join(folder, nodeId),
        controllers: { kind: "consul" },
        consul: { address: consul.address },
        secrets: { kind: "inline", shared: SECRETS.shared, ticket: SECRETS.ticket },
        node: { address: "127.0.0.1", cpu: 8000, memory: 8000, limits: { cpu: false, memory: false, detail: "none" } },
      },
      {
        ...nodeWorld(systemClock, log),
        // Virtual servers have no processes to look at.
        startProbes: () => ({ stop: () => Promise.resolve() }),
        agentVersion: "0.0.0",
        dialGate: (onChannel) => {
          const channel = sdk.dial();
          onChannel(channel);
          return { close: () => channel.close() };
        },
      },
    );
  }

  async function call<T>(replica: number, method: string, path: string, body?: object) {
    const { token } = tokens.mint({ sub: "test", role: "operator", regions: ["*"] });
    const response = await fetch(`${replicas[replica]?.url ?? ""}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { "content-type": "application/json" }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as T };
  }

  const view = async (replica: number) => replicas[replica]?.running.controller.status() ?? { leader: false, epoch: 0 };
  const metrics = async (replica: number) => (await fetch(`${replicas[replica]?.url ?? ""}/metrics`)).text();
  const ready = async (replica: number): Promise<number> => {
    const { body } = await call<{ readonly items?: readonly unknown[] }>(
      replica,
      "GET",
      `/v1/servers?region=${REGION}&state=ready`,
    );
    return body.items?.length ?? 0;
  };

  it("the standby passes calls on to the leader, and a seat is granted over the network", async () => {
    await until("a server", async () => (await ready(0)) === 1);
    await until("the standby knows the leader", async () => "leaderUrl" in (await view(1)));
    const placed = await call<{ readonly ticket: string }>(1, "POST", "/v1/sessions", {
      playerId: "ann",
      experienceId: "arena",
    });
    expect(placed).toMatchObject({
      status: 200,
      body: { session: { state: "reserved" }, server: { address: "127.0.0.1" } },
    });
  });

  it("the API may be called by the name that Consul's DNS has for it, and by no other", async () => {
    const asHost = (host: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const sent = get(`${replicas[0]?.url ?? ""}/v1/regions`, { headers: { host } }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        });
        sent.on("error", reject);
      });
    expect(await asHost(`leader.forge-controller-${REGION}.service.consul:7700`)).toBe(401);
    expect(await asHost("elsewhere.example.com")).toBe(421);
  });

  it("the leader follows forge.toml in Consul's KV, and a broken one changes nothing", async () => {
    const path = `/v1/kv/${configKey(REGION)}`;
    await consul.call("PUT", path, forgeToml(3));
    await until("three servers", async () => (await ready(0)) === 3);
    await consul.call("PUT", path, "this is = no forge.toml [");
    const gauge = async () => /forge_config_rejected\{[^}]*\} 1/.test(await metrics(0));
    await until("it says so", gauge);
    expect(await ready(0)).toBe(3);
    await consul.call("PUT", path, forgeToml(3));
    await until("it is mended", async () => !(await gauge()));
  });

  it("game servers are in Consul with their node's word for it", async () => {
    const found = await until("all of them", async () => {
      const services = await consul.call<Record<string, readonly string[]>>("GET", "/v1/catalog/services");
      const servers = Object.entries(services).filter(([name]) => name.startsWith("gameserver-"));
      return servers.length === 3 ? servers : undefined;
    });
    expect(found[0]?.[1]).toEqual(expect.arrayContaining(["gameserver", REGION, "arena"]));
  });

  it("when the leader ends, the other knows every seat, leads with a higher epoch and goes on", async () => {
    const fleet = `/v1/fleets/arena?region=${REGION}`;
    const change = { version: "2.0.0", canary: 0.25, policy: { buffer: 1 } };
    expect(await call(0, "PUT", fleet, change)).toMatchObject({ status: 200 });
    const before = await view(0);
    await replicas[0]?.running.close();
    const after = await until("the second leads", async () => {
      const now = await view(1);
      return now.leader ? now : undefined;
    });
    expect(after.epoch).toBe(before.epoch + 1);
    const sessions = await until("the session", async () => {
      const { body } = await call<{ readonly items: readonly { readonly playerId: string }[] }>(
        1,
        "GET",
        "/v1/sessions?playerId=ann",
      );
      return body.items.length > 0 ? body.items : undefined;
    });
    expect(sessions).toMatchObject([{ playerId: "ann", state: "reserved" }]);
    // What was decided by hand outlives it too, under the new leader's epoch.
    const rollout = { fromVersion: "1.0.0", toVersion: "2.0.0", state: "canary", share: 0.25 };
    const went = await until("the rollout", async () => {
      const { body } = await call<{ readonly rollout: unknown }>(1, "GET", fleet);
      return body.rollout ? body : undefined;
    });
    expect(went).toMatchObject({ version: "1.0.0", policy: { buffer: 1 }, rollout });
    const kept = await until("the new leader's mark", async () => {
      const stored = await consul.call<{ readonly epoch: number }>("GET", `/v1/kv/${fleetsKey(REGION)}?raw`);
      return stored.epoch === after.epoch ? stored : undefined;
    });
    expect(kept).toMatchObject({ fleets: { arena: { version: "1.0.0", rollout: { to: "2.0.0" } } } });
    const bob = await until("a seat", async () => {
      const placed = await call(1, "POST", "/v1/sessions", { playerId: "bob", experienceId: "arena" });
      return placed.status === 200 ? placed : undefined;
    });
    expect(bob.status).toBe(200);
  });

  it("when the leader and the node of a player who came since are lost together, the next leader has a seat elsewhere", async () => {
    await startReplica("third");
    await until("the third knows the leader and all nodes", async () => {
      const has = /forge_agents_connected\{[^}]*\} 3\n/.test(await metrics(2));
      return has && "leaderUrl" in (await view(2));
    });
    const cyd = await until("a seat", async () => {
      const placed = await call<Placed>(1, "POST", "/v1/sessions", { playerId: "cyd", experienceId: "arena" });
      return placed.status === 200 ? placed.body : undefined;
    });
    const nodeId = [...engine.current()].find(({ serverId }) => serverId === cyd.server.id)?.nodeId ?? "";
    // The agent first: nobody leads yet who could ask it for its seats, and its silence alone moves nobody.
    await agents.get(nodeId)?.close();
    await replicas[1]?.running.close();
    engine.loseNode(nodeId);
    const moved = await until("a seat elsewhere", async () => {
      const { body } = await call<Session>(2, "GET", `/v1/sessions/${cyd.session.id}`);
      return body.generation > 1 ? body : undefined;
    });
    expect(moved).toMatchObject({ playerId: "cyd", state: "reserved" });
    expect(moved.serverId).not.toBe(cyd.server.id);
  });

  it("when all controllers are replaced while a node is silent, the new ones know who sits there", async () => {
    const dee = await until("a seat", async () => {
      const placed = await call<Placed>(2, "POST", "/v1/sessions", { playerId: "dee", experienceId: "arena" });
      return placed.status === 200 ? placed.body : undefined;
    });
    const nodeId = [...engine.current()].find(({ serverId }) => serverId === dee.server.id)?.nodeId ?? "";
    await agents.get(nodeId)?.close();
    await until("its server is suspect", async () => {
      const { body } = await call<{ readonly state: string }>(2, "GET", `/v1/servers/${dee.server.id}`);
      return body.state === "suspect";
    });
    await startReplica("fourth");
    const { controller } = (replicas[3] as Replica).running;
    const actor = { sub: "test", role: "operator", regions: ["*"] } as const;
    await until("the fourth knows her session", async () => {
      const known = await controller.command({ type: "getSession", sessionId: dee.session.id }, actor);
      return known.ok;
    });
    await replicas[2]?.running.close();
    engine.loseNode(nodeId);
    const moved = await until("a seat elsewhere", async () => {
      const { body } = await call<Session>(3, "GET", `/v1/sessions/${dee.session.id}`);
      return body.generation > 1 ? body : undefined;
    });
    expect(moved).toMatchObject({ playerId: "dee", state: "reserved" });
    expect(moved.serverId).not.toBe(dee.server.id);
  });
});
