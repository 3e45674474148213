import { ARENA, expectOnly, problemsOf, type Broken } from "./broken-file";

const BROKEN: readonly Broken[] = [
  {
    name: "text that is not TOML",
    file: `[experiences.arena]\ncommand = arena\n`,
    path: "",
    problem: /not TOML/,
    fix: /quotes/,
    line: 2,
  },
  {
    name: "a key written twice",
    file: `${ARENA}command = "other"\n`,
    path: "",
    problem: /not TOML/,
    fix: /toml\.io/,
    line: 5,
  },
  {
    name: "a section that does not exist",
    file: `[nomads]\naddress = "http://127.0.0.1:4646"\n`,
    path: "nomads",
    problem: /not a key/,
    fix: /^did you mean nomad\?$/,
    line: 1,
  },
  {
    name: "a key misspelt",
    file: `${ARENA}memroy = 256\n`,
    path: "experiences.arena.memroy",
    problem: /not a key/,
    fix: /^did you mean experiences\.arena\.memory\?$/,
    line: 5,
  },
  {
    name: "a key in camelCase",
    file: `[experiences.arena]\ncommand = "arena"\nmaxPlayers = 16\nmax_players = 16\n`,
    path: "experiences.arena.maxPlayers",
    problem: /not a key/,
    fix: /^did you mean experiences\.arena\.max_players\?$/,
    line: 3,
  },
  {
    name: "a key one table too high",
    file: `${ARENA}min_servers = 2\n`,
    path: "experiences.arena.min_servers",
    problem: /not a key/,
    fix: /^did you mean experiences\.arena\.scaling\.min_servers\?$/,
    line: 5,
  },
  {
    name: "a number in quotes",
    file: `[experiences.arena]\ncommand = "arena"\nmax_players = "16"\n`,
    path: "experiences.arena.max_players",
    problem: /must be a number, not a string/,
    fix: /^write 16$/,
    line: 3,
  },
  {
    name: "a number out of range",
    file: `[experiences.arena]\ncommand = "arena"\nmax_players = -4\n`,
    path: "experiences.arena.max_players",
    problem: /at least 1/,
    fix: /from 1 to 10000/,
    line: 3,
  },
  {
    name: "a required key missing",
    file: `[experiences.arena]\ncommand = "arena"\n`,
    path: "experiences.arena.max_players",
    problem: /required/,
    fix: /add max_players/,
    line: 1,
  },
  {
    name: "a choice that is none",
    file: `[[regions]]\nname = "us-east"\nengine = "nomda"\n`,
    path: "regions[0].engine",
    problem: /known values/,
    fix: /did you mean "nomad"\?/,
    line: 3,
  },
  {
    name: "an experience's name that DNS cannot carry",
    file: `[experiences.Battle_Royale]\ncommand = "arena"\nmax_players = 100\n`,
    path: "experiences.Battle_Royale",
    problem: /jobs, stacks and DNS/,
    fix: /^write battle-royale/,
    line: 1,
  },
  {
    name: "a region's name that DNS cannot carry",
    file: `[[regions]]\nname = "US East"\n`,
    path: "regions[0].name",
    problem: /jobs, stacks and DNS/,
    fix: /lower-case/,
    line: 2,
  },
  {
    name: "a latitude beyond the pole",
    file: `[[regions]]\nname = "us-east"\nlocation = [138.9, -77.4]\n`,
    path: "regions[0].location[0]",
    problem: /at most 90/,
    fix: /from -90 to 90/,
    line: 3,
  },
  {
    name: "an address without a scheme",
    file: `[nomad]\naddress = "127.0.0.1:4646"\n`,
    path: "nomad.address",
    problem: /not an http or https address/,
    fix: /http:\/\/127\.0\.0\.1:4646/,
    line: 2,
  },
  {
    name: "an address in the environment without a scheme",
    file: ARENA,
    env: { NOMAD_ADDR: "nomad.internal:4646" },
    path: "NOMAD_ADDR",
    problem: /not an http or https address/,
    fix: /scheme/,
  },
  {
    name: "a join line that finds no name",
    file: `${ARENA}health = { log = { joined = 'joins', left = '(\\S+) leaves' } }\n`,
    path: "experiences.arena.health.log.joined",
    problem: /no group/,
    fix: /parentheses/,
    line: 5,
  },
  {
    name: "a join line that is no pattern",
    file: `${ARENA}health = { log = { joined = '(joins', left = '(\\S+) leaves' } }\n`,
    path: "experiences.arena.health.log.joined",
    problem: /not a regular expression/,
    fix: /single quotes/,
    line: 5,
  },
  {
    name: "a buffer that is neither",
    file: `${ARENA}scaling = { buffer = "10 percent" }\n`,
    path: "experiences.arena.scaling.buffer",
    problem: /neither servers nor a share/,
    fix: /"10%"/,
    line: 5,
  },
  {
    name: "a token in the file",
    file: `[nomad]\ntoken = "9f3c"\n`,
    path: "nomad.token",
    problem: /looks like a secret/,
    fix: /NOMAD_TOKEN in the environment/,
    line: 2,
  },
  {
    name: "a password in a server's environment",
    file: `${ARENA}env = { RCON_PASSWORD = "hunter2" }\n`,
    path: "experiences.arena.env.RCON_PASSWORD",
    problem: /looks like a secret/,
    fix: /_FILE/,
    line: 5,
  },
  {
    name: "credentials in a webhook's address",
    file: `[[webhooks]]\nurl = "https://user:hunter2@example.com/hook"\nevents = ["session.moved"]\n`,
    path: "webhooks[0].url",
    problem: /looks like a secret/,
    fix: /secret_env/,
    line: 2,
  },
  {
    name: "a webhook that is not HTTP",
    file: `[[webhooks]]\nurl = "ftp://example.com/hook"\nevents = ["session.moved"]\n`,
    path: "webhooks[0].url",
    problem: /not an http or https address/,
    fix: /scheme/,
    line: 2,
  },
  {
    name: "a webhook for everything, which has to be said by kind",
    file: `[[webhooks]]\nurl = "https://example.com/hook"\nevents = ["server.*", "*"]\n`,
    path: "webhooks[0].events[1]",
    problem: /not an event type/,
    fix: /"server\.\*"/,
    line: 3,
  },
  {
    name: "a variable that is no string",
    file: `${ARENA}env = { ROUNDS = 5 }\n`,
    path: "experiences.arena.env.ROUNDS",
    problem: /must be a string, not a number/,
    fix: /^write "5"$/,
    line: 5,
  },
  ...[
    ["*", "any"],
    ["https://game.example/", "with a path"],
    ["https://Game.example", "not in lower case"],
    ["https://game.example:443", "with the port that is meant anyway"],
    ["game.example", "without scheme"],
    ["null", "of a file"],
  ].map(([origin = "", what = ""]) => ({
    name: `an origin of pages ${what}`,
    file: `${ARENA}[api]\norigins = ["${origin}"]\n`,
    path: "api.origins[0]",
    problem: /not the origin of web pages/,
    fix: /"https:\/\/game\.example"/,
    line: 6,
  })),
];

describe("a forge.toml with a key or value that cannot be", () => {
  test.each(BROKEN)("$name: place, problem and fix", expectOnly);

  test("the file they are made from is right", () => {
    expect(problemsOf(ARENA)).toEqual([]);
  });

  test("a secret is never repeated, whatever else is wrong around it", () => {
    const secrets = `[nomad]\ntoken = "hunter2"\n[[webhooks]]\nurl = "https://user:hunter2@example.com"\nevents = ["a.b"]\n`;
    const around = `experiences = { arena = [{ password = "hunter2" }] }\n`;
    const text = `${around}${secrets}`;
    expect(JSON.stringify(problemsOf(text))).not.toContain("hunter2");
    expect(problemsOf(text).map(({ path }) => path)).toEqual([
      "experiences.arena",
      "experiences.arena[0].password",
      "nomad.token",
      "webhooks[0].url",
    ]);
    const env = { NOMAD_ADDR: "ftp://user:hunter2@host" };
    expect(JSON.stringify(problemsOf(ARENA, {}, env))).not.toContain("hunter2");
  });
});

test.each(["https://game.example", "http://localhost:5173", "https://game.example:8443", "http://[::1]:8080"])(
  "takes pages of %s",
  (origin) => expect(problemsOf(`${ARENA}[api]\norigins = ["${origin}"]\n`)).toEqual([]),
);
