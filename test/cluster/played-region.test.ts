import { leadersKeys } from "../../config/region-names";
import { setTimeout as pause } from "node:timers/promises";
import { recordFigure } from "../records";
import { skipUnless } from "../skips";
import { HOST_PROGRAMS, LONG_TESTS, type InfraValue } from "./local-hosts";
import { until } from "../until";
import { PlayedRegion, type SeatedPlayer } from "./played-region";
import { TERRAFORM } from "./terraform";

/** So long a spawn may take that is asked for while something is down; then that is started again. */
const DOWN_MS = 6000;
/** After so long without Consul its leader holds. */
const HOLDS_AFTER_MS = 2500;
const SPEC = { experienceId: "strict", region: "us-east" };

skipUnless(
  "a region on Nomad with players on",
  LONG_TESTS.available ? TERRAFORM.reason : LONG_TESTS.reason,
  LONG_TESTS.available && HOST_PROGRAMS.available && TERRAFORM.available,
)("a region on Nomad with players on", () => {
  jest.setTimeout(400_000);
  let region: PlayedRegion;
  let players: readonly SeatedPlayer[];
  let servers: readonly string[];

  beforeAll(async () => {
    region = await PlayedRegion.deploy();
    servers = await region.servers();
    const seated: SeatedPlayer[] = [];
    for (const [index, server] of servers.entries())
      for (const each of [1, 2, 3]) seated.push(await region.seat(`player-${String(index)}-${String(each)}`, server));
    players = seated;
  });
  afterAll(() => region.remove());

  /** Nothing that was there before is gone: connections, servers, sessions. */
  async function untouched(): Promise<void> {
    expect(players.filter(({ connected }) => !connected())).toEqual([]);
    expect(await region.servers()).toEqual(expect.arrayContaining([...servers]));
    for (const { sessionId, serverId } of players) {
      expect(await region.forge.getSession(sessionId)).toMatchObject({ state: "active", serverId, generation: 1 });
    }
  }

  test.each(["agent", "controller"] as const)("another %s drops nobody and fails no request", async (program) => {
    const [before] = await region.allocations(program);
    const done = region.ask(program);
    region.rebuild(program, "second build");
    expect(await region.command("deploy", "--all", "--yes")).toContain("us-east-jobs: 1 to change");
    await until(`the new ${program} runs alone`, async () => {
      const now = await region.allocations(program);
      return now.length === 1 && now[0]?.id !== before?.id;
    });
    await region.seat(`after-${program}`, servers[0] ?? "");
    const { calls, failures, slowestMs } = await done();
    expect(failures).toEqual([]);
    await untouched();
    recordFigure(`seats asked for one after the other while the ${program} was replaced`, calls);
    recordFigure("the longest that one of them took with the SDK's retries", slowestMs, "ms");
  });

  test("another gate stands beside the old one and takes the new servers", async () => {
    const [old] = region.gates();
    const greeted = await region.greetings();
    const done = region.ask("gate");
    region.rebuild("gate", "second build");
    await region.command("deploy", "--all", "--yes");
    // The old one hangs up once, to say that it retires.
    await until("the agent knows both gates", async () => (await region.greetings()) >= greeted + 2);
    expect(region.gates().size).toBe(2);
    const added = await region.forge.spawnServer(SPEC, { waitReady: true });
    await region.seat("on-the-new-gate", added.id);
    const { failures } = await done();
    expect(failures).toEqual([]);
    await untouched();
    expect([...region.gates()]).toContainEqual(old);
  });

  test("more CPU for one experience is one job planned, and touches no match", async () => {
    const programs = async () =>
      Promise.all((["controller", "agent"] as const).map((each) => region.allocations(each)));
    const before = [await programs(), region.gates()];
    region.changeCpu(120);
    const plan = await region.command("plan", "us-east");
    expect(plan.match(/\bjob \S+/g)).toEqual(["job us-east.gameserver.strict"]);
    await region.command("deploy", "--all", "--yes");
    expect([await programs(), region.gates()]).toEqual(before);
    await untouched();
    await region.forge.spawnServer(SPEC, { waitReady: true });
  });

  /** While the old gate still stands: a client of Nomad that starts again must not end it. */
  test.each([
    ["Nomad's client", "nomad-client"],
    ["Nomad's server", "nomad-server"],
    ["Consul", "consul"],
    ["Vault", "vault"],
  ])("SIGKILL of %s ends no game, and all of it is back afterwards", async (name, agent) => {
    const gates = region.gates();
    const done = region.ask(agent);
    const from = performance.now();
    const since = () => Math.round(performance.now() - from);
    region.killHost(agent);
    // Until then the leader is sure of its lock and does as always.
    if (agent === "consul") await pause(HOLDS_AFTER_MS);

    const seated = region.seat(`while-${agent}`, servers[0] ?? "").then(since);
    const spawned = region.forge.spawnServer(SPEC, { waitReady: true }).then(since);
    // Without its lock the controller starts none. Nomad does, and a controller that leads would end what it did not ask for.
    const dispatched = agent === "consul" ? region.dispatch().then(since) : undefined;
    const down = new Promise<"down">((resolve) => setTimeout(resolve, DOWN_MS, "down"));
    const inTime = await Promise.race([spawned, down]);
    if (dispatched !== undefined)
      recordFigure(`${name} down: a server dispatched in Nomad itself had started after`, await dispatched, "ms");
    await region.hosts.mustInfra("up");
    const backMs = since();

    const state = inTime === "down" ? `after it was back, ${String((await spawned) - backMs)}` : inTime;
    recordFigure(`${name} killed: a seat asked for at once was there after`, await seated, "ms");
    recordFigure(`${name} killed: a server asked for at once was ready`, state, "ms");
    recordFigure(`${name} killed: started again, it answered after`, backMs, "ms");
    // Nothing that Forge does for a server asks Vault.
    if (agent === "vault") expect(inTime).not.toBe("down");
    const { failures, slowestMs } = await done();
    expect(failures).toEqual([]);
    recordFigure(`${name} killed: the longest that any other seat took`, slowestMs, "ms");
    await untouched();
    expect(region.gates()).toEqual(gates);
  });

  test("the old gate leaves with its last server", async () => {
    const all = await region.forge.getServers("us-east", { experienceId: "strict" });
    const added = await region.forge.spawnServer(SPEC, { waitReady: true });
    const { sessionId, connected } = await region.seat("stays", added.id);
    for (const { id } of all) await region.forge.terminateServer(id, { force: true });
    await until("one gate is left", async () => region.gates().size === 1);
    expect(await region.forge.getSession(sessionId)).toMatchObject({ state: "active", generation: 1 });
    expect(connected()).toBe(true);
  });

  test("nothing of it is left in Nomad, Vault and Consul when its stacks are destroyed", async () => {
    for (const part of ["jobs", "nomad", "vault", "consul"])
      await region.terraform(part, "destroy", "-auto-approve", "-no-color");
    const { nomad, vault, consul } = region.clients;
    const names = async (path: string) =>
      (await nomad.json<InfraValue[]>("GET", path, { query: { namespace: "*" } })).map(
        ({ Name, ID, Path }) => Name ?? ID ?? Path,
      );
    expect(await names("/v1/jobs")).toEqual([]);
    expect(await names("/v1/namespaces")).toEqual(["default"]);
    expect(await names("/v1/acl/policies")).toEqual([]);
    expect(await names("/v1/vars")).toEqual([]);
    expect(region.gates().size).toBe(0);

    const mounts = await vault.json<InfraValue>("GET", "/v1/sys/mounts");
    expect(Object.keys(mounts.data).filter((path) => path.startsWith("forge"))).toEqual([]);
    expect(Object.keys((await vault.json<InfraValue>("GET", "/v1/sys/auth")).data)).toEqual(["token/"]);
    const policies = await vault.json<InfraValue>("GET", "/v1/sys/policies/acl", { query: { list: true } });
    expect(
      policies.data.keys.filter((policy: string) => policy !== "forge-us-east-deploy" && policy.startsWith("forge")),
    ).toEqual([]);

    // What its leaders wrote stays until Consul itself goes, with REGION-infra.
    const keys = await consul.json<string[]>("GET", "/v1/kv/", { query: { keys: true } });
    expect(keys.filter((key) => !leadersKeys("us-east").includes(key))).toEqual([]);
    expect(await consul.json("GET", "/v1/acl/auth-methods")).toEqual([]);
    expect(await consul.json("GET", "/v1/acl/roles")).toEqual([]);
    const left = await consul.json<InfraValue[]>("GET", "/v1/acl/policies");
    expect(left.filter(({ Name }) => Name.includes("controller") || /-agent$/.test(Name))).toEqual([]);
    expect(Object.keys(await consul.json<InfraValue>("GET", "/v1/catalog/services"))).toEqual(["consul"]);
  });
});
