import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Resolver } from "node:dns/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { followControllers } from "../../agent/consul/controller-directory";
import { ServerRegistrations } from "../../agent/consul/server-registrations";
import type { GameServer } from "../../agent/game-server";
import { expectedServer } from "../../agent/test-node";
import { Consul } from "../../clients/consul";
import {
  configKey,
  consulAuthMethod,
  epochKey,
  fleetsKey,
  gameServerService,
  programJobId,
  programPolicy,
} from "../../config/region-names";
import { ControllerServices } from "../../controller/adapters/consul/controller-services";
import { joinConsul } from "../../controller/adapters/consul/join-consul";
import { followKvConfig } from "../../controller/adapters/consul/kv-config";
import { consulRules } from "../../stacks/program-rights";
import { systemClock } from "../../protocol/clock";
import type { ExpectedServer } from "../../protocol/messages";
import { skipUnless } from "../skips";
import { until } from "../until";
import { ConsulAgent } from "./consul-agent";
import { IdentityDouble } from "./identity-double";
import { findPart } from "./real-parts";

const consulProgram = findPart("consul");
const REGION = "us-east";
const MANAGEMENT = "5f2b1c8e-9a44-4f0e-8f58-2f6d5ad0c001";

/** What the registrations look at of a game server. */
function serverDouble(over: Partial<ExpectedServer>) {
  const expect = { ...expectedServer({ region: REGION, ...over }) };
  const state = { healthy: true, ready: true, closed: false };
  const server = { serverId: expect.serverId, expect, gone: false, book: { state }, draining: false, stopping: false };
  return { state, server: server as unknown as GameServer };
}

skipUnless(
  "Consul",
  "consul is neither on PATH nor in Forge's cache",
  consulProgram !== undefined,
)("a region's programs on a real Consul with access control", () => {
  jest.setTimeout(150_000);
  let folder: string;
  let agent: ConsulAgent;
  let issuer: IdentityDouble;
  let consul: Consul;
  const troubles: (string | undefined)[] = [];
  const deps = () => ({
    consul,
    clock: systemClock,
    random: Math.random,
    onTrouble: (problem: string | undefined) => troubles.push(problem),
  });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "forge-consul-"));
    issuer = await IdentityDouble.start();
    agent = await ConsulAgent.start(consulProgram ?? "", folder, { managementToken: MANAGEMENT });
    await allow();
    const identityFile = join(folder, "nomad_consul.jwt");
    writeFileSync(
      identityFile,
      issuer.sign("consul.io", { nomad_job_id: `forge-${REGION}-agent`, nomad_task: "forge" }),
    );
    const access = { address: agent.address, authMethod: consulAuthMethod(REGION), identityFile };
    consul = new Consul(access, { clock: systemClock, random: Math.random, env: {} });
  });
  afterAll(async () => {
    await consul?.close();
    await agent?.end();
    await issuer?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** What the region's Consul stack makes: least rights, and who may log in for them. */
  async function allow(): Promise<void> {
    const name = programPolicy(REGION, "agent");
    const rules = [
      `service_prefix "gameserver-" { policy = "write" }`,
      `service_prefix "forge-" { policy = "write" }`,
      `node_prefix "" { policy = "read" }`,
      `agent_prefix "" { policy = "read" }`,
      `key_prefix "forge/${REGION}/" { policy = "read" }`,
    ];
    await agent.call("PUT", "/v1/acl/policy", { Name: name, Rules: rules.join("\n") });
    await agent.call("PUT", "/v1/acl/role", { Name: name, Policies: [{ Name: name }] });
    await agent.call("PUT", "/v1/acl/auth-method", {
      Name: consulAuthMethod(REGION),
      Type: "jwt",
      Config: {
        JWKSURL: issuer.jwksUrl,
        JWTSupportedAlgs: ["RS256"],
        BoundAudiences: ["consul.io"],
        ClaimMappings: { nomad_job_id: "nomad_job_id", nomad_task: "nomad_task" },
      },
    });
    await agent.call("PUT", "/v1/acl/binding-rule", {
      AuthMethod: consulAuthMethod(REGION),
      BindType: "role",
      BindName: name,
      Selector: `value.nomad_job_id == "forge-${REGION}-agent"`,
    });
    const anonymous = {
      Name: "anonymous",
      Rules: `service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }`,
    };
    await agent.call("PUT", "/v1/acl/policy", anonymous);
    await agent.call("PUT", "/v1/acl/token/00000000-0000-0000-0000-000000000002", {
      Policies: [{ Name: "anonymous" }],
    });
  }

  it("log in with their identity, and again when their token was taken away", async () => {
    expect(await consul.json("GET", "/v1/agent/services")).toEqual({});
    expect(consul.tokens).toBe(1);
    const tokens = await agent.call<readonly { readonly AccessorID: string; readonly AuthMethod?: string }[]>(
      "GET",
      "/v1/acl/tokens",
    );
    for (const { AccessorID, AuthMethod } of tokens)
      if (AuthMethod === consulAuthMethod(REGION)) await agent.call("DELETE", `/v1/acl/token/${AccessorID}`);
    await expect(
      until(
        "a new token",
        async () => (await consul.json("GET", "/v1/kv/forge/us-east/?keys").catch(() => undefined), consul.tokens > 1),
      ),
    ).resolves.toBe(true);
  });

  it("say what is wrong with an identity that is not there", async () => {
    const access = {
      address: agent.address,
      authMethod: consulAuthMethod(REGION),
      identityFile: join(folder, "none.jwt"),
    };
    const lost = new Consul(access, { clock: systemClock, random: Math.random, env: {} });
    await expect(lost.json("GET", "/v1/agent/services")).rejects.toThrow(
      /none\.jwt: the job's task needs an identity block with file = true/,
    );
    await lost.close();
  });

  it("lead with the rights of a controller's policy alone", async () => {
    const name = programPolicy(REGION, "controller");
    await agent.call("PUT", "/v1/acl/policy", { Name: name, Rules: consulRules({ name: REGION }, "controller") });
    await agent.call("PUT", "/v1/acl/role", { Name: name, Policies: [{ Name: name }] });
    const job = programJobId(REGION, "controller");
    await agent.call("PUT", "/v1/acl/binding-rule", {
      AuthMethod: consulAuthMethod(REGION),
      BindType: "role",
      BindName: name,
      Selector: `value.nomad_job_id == "${job}"`,
    });
    const identityFile = join(folder, "controller.jwt");
    writeFileSync(identityFile, issuer.sign("consul.io", { nomad_job_id: job, nomad_task: "forge" }));
    const access = { address: agent.address, authMethod: consulAuthMethod(REGION), identityFile };
    const warnings: unknown[] = [];
    const log = { info: () => undefined, warn: (fields: unknown) => void warnings.push(fields) };
    const parts = joinConsul(access, {
      region: REGION,
      controllerId: "c0",
      publicUrl: "http://127.0.0.1:7790",
      agentListen: "127.0.0.1:7890",
      seenEpoch: () => 0,
      clock: systemClock,
      random: Math.random,
      env: {},
      log: log,
    });
    const epoch = await new Promise<number>((resolve) => {
      void parts.leadership.start((change) => {
        if (change.leader) resolve(change.epoch);
      });
    });
    // The first, or a later one where a slow Consul's answer to a try came too late.
    expect(await agent.call("GET", `/v1/kv/${epochKey(REGION)}?raw`)).toBe(epoch);
    const kept = parts.document<{ readonly epoch: number }>(fleetsKey(REGION));
    const first = await kept.write({ epoch: 1 }, 0);
    expect(await kept.read()).toEqual({ value: { epoch: 1 }, revision: first });
    expect(await kept.write({ epoch: 2 }, 0)).toBeUndefined();
    expect(await kept.write({ epoch: 2 }, first ?? 0)).toBeGreaterThan(first ?? 0);
    await expect(parts.document(configKey(REGION)).write({}, 0)).rejects.toThrow("403");
    await parts.leadership.close();
    await parts.close();
    // That Consul took too long is no matter of rights.
    expect(warnings.filter((fields) => !JSON.stringify(fields).includes("did not answer"))).toEqual([]);
  });

  it("follow forge.toml in KV: each change once, whatever else happens", async () => {
    const texts: string[] = [];
    const path = `/v1/kv/${configKey(REGION)}`;
    const end = followKvConfig(REGION, (text) => texts.push(text), deps());
    await agent.call("PUT", path, "first = 1");
    await until("the first text", async () => texts.at(-1) === "first = 1");
    await agent.call("DELETE", path);
    await agent.call("PUT", path, "first = 1");
    await agent.call("PUT", path, "second = 2");
    await until("the second text", async () => texts.at(-1) === "second = 2");
    end();
    expect(texts).toEqual(["first = 1", "second = 2"]);
  });

  it("find the controllers: those that come, and until Consul says otherwise those that were there", async () => {
    const dialled: string[] = [];
    const log = { info: () => undefined };
    const services = new ControllerServices({
      ...deps(),
      region: REGION,
      controllerId: "c1",
      publicUrl: "http://127.0.0.1:7700",
      agentLink: { host: "127.0.0.1", port: 7800 },
    });
    services.start();
    const dial = (address: string) => (
      dialled.push(address),
      { close: () => void dialled.splice(dialled.indexOf(address), 1) }
    );
    const following = followControllers({ ...deps(), region: REGION, dial, log });
    await until("the controller", async () => dialled.includes("127.0.0.1:7800"));
    const second = new ControllerServices({
      ...deps(),
      region: REGION,
      controllerId: "c2",
      publicUrl: "http://127.0.0.1:7710",
      agentLink: { host: "127.0.0.1", port: 7810 },
    });
    second.start();
    await until("the other one", async () => dialled.includes("127.0.0.1:7810"));
    services.setLeader(true);
    await until("the tag", async () => {
      const all = await agent.call<readonly { readonly ServiceTags: readonly string[] }[]>(
        "GET",
        "/v1/catalog/service/forge-controller-us-east",
      );
      return all.some(({ ServiceTags }) => ServiceTags.includes("leader"));
    });
    await services.close();
    await until("only the other one", async () => JSON.stringify(dialled) === `["127.0.0.1:7810"]`);
    // The last to go stays known: an empty list may as well be Consul's own loss.
    await second.close();
    following.close();
    expect(dialled).toEqual([]);
  });

  describe("game servers", () => {
    let health: Server;
    let healthy = true;
    let registrations: ServerRegistrations;
    beforeAll(async () => {
      health = createServer((_request, response) => response.writeHead(healthy ? 200 : 503).end());
      await new Promise<void>((resolve) => health.listen(0, "127.0.0.1", resolve));
      registrations = new ServerRegistrations({ ...deps(), nodeId: "node-1" });
      registrations.start();
    });
    afterAll(async () => {
      registrations.close();
      await new Promise((resolve) => health.close(resolve));
    });

    interface Check {
      readonly Status: string;
      readonly ServiceTags: readonly string[];
    }
    const checksOf = (serverId: string) =>
      agent.call<readonly Check[]>("GET", `/v1/health/checks/${gameServerService(serverId)}`);
    const status = (serverId: string, wanted: string) =>
      until(`${serverId} ${wanted}`, async () => (await checksOf(serverId)).find(({ Status }) => Status === wanted));

    it("are registered as the document shows, asked for /health, and found by DNS while they are healthy", async () => {
      const { port } = health.address() as AddressInfo;
      const check = { kind: "http" as const, path: "/health", port: "game", metricsPath: undefined };
      const { server } = serverDouble({
        serverId: "abc123",
        address: "127.0.0.1",
        ports: { sdk: 1, game: port },
        health: { ...expectedServer({}).health, check },
      });
      registrations.changed(server);
      const registered = await until("the service", async () => {
        const all = await agent.call<Record<string, object>>("GET", "/v1/agent/services");
        return all["gameserver-abc123"];
      });
      expect(registered).toMatchObject({ Service: "gameserver-abc123", Port: port, Address: "127.0.0.1" });
      expect((registered as { Tags: string[] }).Tags.slice(0, 2)).toEqual(["gameserver", REGION]);
      await status("abc123", "passing");
      const dns = new Resolver();
      dns.setServers([`127.0.0.1:${agent.ports.dns}`]);
      const [found] = await until("its record", async () => dns.resolveSrv("gameserver-abc123.service.consul"));
      expect(found?.port).toBe(port);
      expect(await dns.resolve4("gameserver-abc123.service.consul")).toEqual(["127.0.0.1"]);
      healthy = false;
      await status("abc123", "critical");
      await expect(dns.resolveSrv("gameserver-abc123.service.consul")).rejects.toThrow(/ENOTFOUND|ENODATA/);
      registrations.gone("abc123");
      await until("its end", async () => (await checksOf("abc123")).length === 0);
    });

    it("that Consul cannot ask are as healthy as their agent says, and many are no trouble", async () => {
      const many = Array.from({ length: 60 }, (_, n) =>
        serverDouble({ serverId: `many-${n}`, ports: { game: 20_000 + n } }),
      );
      for (const { server } of many) registrations.changed(server);
      for (let n = 0; n < many.length; n++) await status(`many-${n}`, "passing");
      const [first] = many;
      if (first) first.state.healthy = false;
      registrations.changed(first?.server as GameServer);
      await status("many-0", "critical");
      for (const { server } of many.slice(1)) registrations.gone(server.serverId);
      await until("the others' end", async () => {
        const all = await agent.call<Record<string, object>>("GET", "/v1/agent/services");
        return Object.keys(all).filter((id) => id.startsWith("gameserver-")).length === 1;
      });
      registrations.gone("many-0");
    });

    it("are put right after Consul was away, and what was left by nobody is taken out", async () => {
      const { server } = serverDouble({ serverId: "stays", ports: { game: 20_100 } });
      registrations.changed(server);
      await status("stays", "passing");
      await agent.end("SIGKILL");
      const late = serverDouble({ serverId: "late", ports: { game: 20_101 } });
      registrations.changed(late.server);
      registrations.gone("stays");
      await agent.run();
      await status("late", "passing");
      await until("the end of what ended meanwhile", async () => (await checksOf("stays")).length === 0);
      expect(troubles.length).toBeGreaterThan(0);
      // Somebody takes it out by hand: it comes back with the next look, which the end of an agent brings forward.
      registrations.gone("late");
      await until("its end", async () => (await checksOf("late")).length === 0);
    });
  });
});
