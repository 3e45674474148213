import { setTimeout as pause } from "node:timers/promises";
import { Random } from "../../sim/random";
import { recordFigure } from "../records";
import { skipUnless } from "../skips";
import { HOST_PROGRAMS, LONG_TESTS } from "./local-hosts";
import { until } from "../until";
import { PlayedRegion, type SeatedPlayer } from "./played-region";
import { TERRAFORM } from "./terraform";

const SEED = process.env["FORGE_CHAOS_SEED"] ?? "1";
const MINUTES = Number(process.env["FORGE_CHAOS_MINUTES"] ?? "5");
/** Only faults whose names begin so; all where there are none. */
const ONLY = (process.env["FORGE_CHAOS_ONLY"] ?? "").split(",").filter((begin) => begin !== "");
const SPEC = { experienceId: "strict", region: "us-east" };
/** Nothing that Forge promises holds for longer without Consul: its leader then leads no more. */
const LONGEST_MS = 10_000;
const SHORTEST_MS = 1_000;

const HOSTS = ["nomad-server", "nomad-client", "consul", "vault"] as const;
const PROGRAMS = ["controller", "agent"] as const;

interface Fault {
  readonly name: string;
  /** @param serverId of a server with players on, to which somebody else comes meanwhile */
  readonly strike: (region: PlayedRegion, serverId: string) => Promise<void> | void;
  readonly undo: (region: PlayedRegion, serverId: string) => Promise<unknown> | void;
}

const up = (region: PlayedRegion): Promise<unknown> => region.hosts.mustInfra("up");
const FAULTS: readonly Fault[] = [
  ...HOSTS.flatMap((host): Fault[] => [
    { name: `kill ${host}`, strike: (region) => region.killHost(host), undo: up },
    {
      name: `stall ${host}`,
      strike: (region) => region.killHost(host, "SIGSTOP"),
      undo: (region) => region.killHost(host, "SIGCONT"),
    },
  ]),
  ...PROGRAMS.flatMap((program): Fault[] => [
    // Nomad starts it again by itself.
    { name: `kill ${program}`, strike: (region) => region.kill(program), undo: () => undefined },
    {
      name: `stall ${program}`,
      strike: (region) => region.kill(program, "SIGSTOP"),
      undo: (region) => region.kill(program, "SIGCONT"),
    },
  ]),
  // Neither is killed here: these servers end with their SDK's stream, and whoever is on one that ends is moved.
  {
    name: "stall gate",
    strike: (region) => region.kill("gate", "SIGSTOP"),
    undo: (region) => region.kill("gate", "SIGCONT"),
  },
  {
    name: "stall server",
    strike: (region, serverId) => region.killServer(serverId, "SIGSTOP"),
    undo: (region, serverId) => region.killServer(serverId, "SIGCONT"),
  },
];

/** @throws {Error} where nothing is left */
function chosenFaults(): readonly Fault[] {
  const chosen = FAULTS.filter(({ name }) => ONLY.length === 0 || ONLY.some((begin) => name.startsWith(begin)));
  if (chosen.length > 0) return chosen;
  throw new Error(`FORGE_CHAOS_ONLY: there are only ${FAULTS.map(({ name }) => name).join(", ")}`);
}

skipUnless(
  "chaos in a region on Nomad",
  LONG_TESTS.available ? TERRAFORM.reason : LONG_TESTS.reason,
  LONG_TESTS.available && HOST_PROGRAMS.available && TERRAFORM.available,
)("chaos in a region on Nomad", () => {
  let region: PlayedRegion;
  let players: readonly SeatedPlayer[];

  beforeAll(async () => {
    region = await PlayedRegion.deploy();
    const seated: SeatedPlayer[] = [];
    for (const server of await region.servers())
      for (const each of [1, 2, 3]) seated.push(await region.seat(`player-${server}-${String(each)}`, server));
    players = seated;
  }, 400_000);
  afterAll(() => region.remove(), 120_000);

  /** Nothing that was there before is gone: connections, sessions, seats. */
  async function untouched(after: string): Promise<void> {
    const gone = players.filter(({ connected }) => !connected()).map(({ playerId }) => playerId);
    expect({ after, gone }).toEqual({ after, gone: [] });
    for (const { sessionId, serverId } of players)
      expect(await region.forge.getSession(sessionId)).toMatchObject({ state: "active", serverId, generation: 1 });
  }

  it(
    "drops nobody and fails no request, whatever of Nomad, Consul, Vault and Forge is killed or stopped",
    async () => {
      const random = new Random(`chaos on Nomad ${SEED}`);
      const done = region.ask("meanwhile");
      const untilMs = Date.now() + MINUTES * 60_000;
      const longest = new Map<string, number>();
      let deck: Fault[] = [];
      let faults = 0;
      const possible = chosenFaults();
      const serverId = players[0]?.serverId ?? "";
      while (Date.now() < untilMs) {
        if (deck.length === 0) deck = shuffled(possible, random);
        const fault = deck.pop();
        if (!fault) break;
        const forMs = random.between(SHORTEST_MS, LONGEST_MS);
        await fault.strike(region, serverId);
        const from = performance.now();
        faults += 1;
        const seated = region
          .seat(`during-${String(faults)}`, serverId)
          .then(({ sessionId }) => region.forge.endSession(sessionId))
          .then(() => longest.set(fault.name, Math.max(longest.get(fault.name) ?? 0, performance.now() - from)));
        await pause(forMs);
        await fault.undo(region, serverId);
        await seated;
        await untouched(`${fault.name} for ${String(Math.round(forMs))} ms`);
      }
      const { failures, slowestMs } = await done();
      expect(failures).toEqual([]);
      // It still starts servers.
      const added = await region.forge.spawnServer(SPEC, { waitReady: true });
      await until("the leader has the server that was asked for last", async () =>
        (await region.servers()).includes(added.id),
      );
      recordFigure(`faults in ${String(MINUTES)} minutes`, faults);
      recordFigure("the longest that a seat took with the SDK's retries", slowestMs, "ms");
      for (const [name, ms] of [...longest].sort(([a], [b]) => a.localeCompare(b)))
        recordFigure(`${name}: a seat asked for at once was there after, at most`, Math.round(ms), "ms");
    },
    MINUTES * 60_000 + 400_000,
  );

  /** Stops Nomad's client until Nomad has given the node up, does something, and lets it go on until it is ready. */
  async function givenUp(meanwhile: () => Promise<void>): Promise<void> {
    const status = async (): Promise<string | undefined> =>
      (await region.clients.nomad.json<readonly { readonly Status: string }[]>("GET", "/v1/nodes"))[0]?.Status;
    const from = performance.now();
    region.killHost("nomad-client", "SIGSTOP");
    try {
      const given = await until("Nomad has given the node up", async () => {
        const now = await status();
        return now !== "ready" && now;
      });
      recordFigure(`a client of Nomad's that is stopped is ${given} after`, Math.round(performance.now() - from), "ms");
      await meanwhile();
    } finally {
      region.killHost("nomad-client", "SIGCONT");
    }
    await until("the node is back", async () => (await status()) === "ready");
  }

  /** Ids of the allocations of controller and agent that run. */
  async function programs(): Promise<readonly string[]> {
    const all = await Promise.all(PROGRAMS.map((program) => region.allocations(program)));
    return all.flat().map(({ id }) => id);
  }

  /** Where it is looked for, with an agent. */
  async function leads(): Promise<void> {
    const answers = async (): Promise<boolean> => (await fetch(`${region.at.url}/ready`)).status === 200;
    await until("a controller leads", answers).catch(async (error: unknown) => {
      throw new Error(`${(error as Error).message}\n${await region.whoLeads()}`);
    });
  }

  it("keeps everybody on and seats others while Nomad has given their node up, since its agent is heard, and keeps the programs when it is back", async () => {
    const before = await programs();
    const done = region.ask("while-given-up");
    await givenUp(async () => {
      await untouched("Nomad has given the node up");
      const { sessionId } = await region.seat("newcomer", players[0]?.serverId ?? "");
      await region.forge.endSession(sessionId);
    });
    const backMs = performance.now();
    await until("controller and agent run", async () => (await programs()).length === PROGRAMS.length);
    await leads();
    recordFigure(
      "a node that was given up is back: a controller leads after",
      Math.round(performance.now() - backMs),
      "ms",
    );
    expect(await programs()).toEqual(before);
    await region.forge.spawnServer(SPEC, { waitReady: true });
    const { failures, slowestMs } = await done();
    expect(failures).toEqual([]);
    recordFigure("a node that was given up is back: the longest that a seat took", slowestMs, "ms");
    await untouched("the node is back");
  }, 400_000);

  it("has what was deployed while Nomad had given the node up, where it is looked for", async () => {
    const before = await programs();
    await givenUp(async () => {
      for (const program of PROGRAMS) region.rebuild(program, "deployed while its node was given up");
      await region.command("deploy", "--all", "--yes");
      // It takes its time to end: until then Nomad counts its ports on this address as taken, and gives others.
      region.kill("controller", "SIGSTOP");
    });
    await until("another controller and another agent run", async () => {
      const now = await programs();
      return now.length === PROGRAMS.length && now.every((id) => !before.includes(id));
    });
    await leads();
    await region.forge.spawnServer(SPEC, { waitReady: true });
    await untouched("what was deployed has come");
  }, 400_000);
});

function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
