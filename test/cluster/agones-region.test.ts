import {
  AGONES_GAMES,
  AgonesRegion,
  agonesGame,
  beginMatches,
  liveThrough,
  playsOn,
  silenceIsFound,
  strangersAreRefused,
  type Match,
} from "../agones/agones-games";
import { skipUnless } from "../skips";
import { HOST_PROGRAMS, LONG_TESTS } from "./local-hosts";
import { until } from "../until";
import { PlayedRegion } from "./played-region";
import { TERRAFORM } from "./terraform";

const REGION = "us-east";
const LANGUAGES = [...AGONES_GAMES, "rest"];
const GAMES = `[scaling]
max_servers_per_region = 30
[allocator]
${LANGUAGES.map((language) => agonesGame(language)).join("")}`;

skipUnless(
  "servers built for Agones on Nomad",
  LONG_TESTS.available ? TERRAFORM.reason : LONG_TESTS.reason,
  LONG_TESTS.available && HOST_PROGRAMS.available && TERRAFORM.available,
)("servers built for Agones, unchanged, in a region on Nomad", () => {
  jest.setTimeout(400_000);
  let played: PlayedRegion;
  let region: AgonesRegion;
  let matches: readonly Match[];

  beforeAll(async () => {
    played = await PlayedRegion.deploy(GAMES);
    const allocator = `http://127.0.0.1:${String(played.hosts.region().ports.allocator)}`;
    region = new AgonesRegion({ ...played.at, allocator }, REGION);
  });
  afterAll(() => played.remove());

  test.each(AGONES_GAMES)("%s: ready, allocated, players, back, silent and replaced, its own end", (language) =>
    liveThrough(region, language),
  );

  test("nobody but the server's own processes speaks for it, over either wire", () => strangersAreRefused(region));

  /** Every match that was begun at first is on, in the process that it began in. */
  async function allPlayOn(mark: string): Promise<void> {
    await silenceIsFound(region);
    for (const match of matches) await playsOn(region, match, mark);
  }

  test("the agent killed with -9 while they are allocated: none ends, no watch breaks, none counts as silent", async () => {
    matches = await beginMatches(region, LANGUAGES);
    const greeted = await played.greetings();
    played.kill("agent");
    await until("the agent is back", async () => (await played.greetings()) > greeted);
    await allPlayOn("killed");
  });

  test("the agent upgraded", async () => {
    const [before] = await played.allocations("agent");
    played.rebuild("agent", "second build");
    await played.command("deploy", "--all", "--yes");
    await until("the new agent runs alone", async () => {
      const now = await played.allocations("agent");
      return now.length === 1 && now[0]?.id !== before?.id;
    });
    await allPlayOn("upgraded");
  });

  test("the gate upgraded: the old one keeps its connections until its last match, and the new one has the next", async () => {
    const greeted = await played.greetings();
    const [old] = played.gates();
    played.rebuild("gate", "second build");
    await played.command("deploy", "--all", "--yes");
    await until("the agent knows both gates", async () => (await played.greetings()) >= greeted + 2);
    expect(played.gates().size).toBe(2);
    await allPlayOn("beside");
    const next = await beginMatches(region, LANGUAGES);
    for (const match of next) await playsOn(region, match, "new");
    played.kill("agent");
    await allPlayOn("both gates");
    for (const match of next) await playsOn(region, match, "both gates");
    expect([...played.gates()]).toContainEqual(old);
  });
});
