import { ARENA, expectOnly, problemsOf, type Broken } from "./broken-file";

const canary = (value: string): string => `${ARENA}rollout = { canary = ${value} }\n`;
const at = "experiences.arena";

const BROKEN: readonly Broken[] = [
  ...['"0%"', '"00%"', '"0.0%"'].map((share) => ({
    name: `a canary of ${share}`,
    file: canary(share),
    path: `${at}.rollout.canary`,
    problem: /not a share above 0%/,
    fix: /"10%", or remove it/,
    line: 5,
  })),
  ...(
    [
      ["0.1", /^write "10%"$/],
      ["0.07", /^write "7%"$/],
      ["10", /^write "10%"$/],
      ["100", /^write "100%"$/],
      ["1", /^write a share of the fleet: "10%"$/],
      ["0", /^write a share of the fleet: "10%"$/],
      ["250", /^write a share of the fleet: "10%"$/],
      ["true", /^write a share of the fleet: "10%"$/],
    ] as const
  ).map(([value, fix]) => ({
    name: `a canary of ${value}, without quotes`,
    file: canary(value),
    path: `${at}.rollout.canary`,
    problem: /share in quotes/,
    fix,
    line: 5,
  })),
  {
    name: "a canary of a world",
    file: `${ARENA}kind = "world"\nrollout.canary = "10%"\n`,
    path: `${at}.rollout.canary`,
    problem: /its one server runs one version/,
    fix: /remove it/,
    line: 6,
  },
  ...[">=2", "^1.4", "1.x", "1.4.0 || 1.6.0"].map((version) => ({
    name: `the version ${version}`,
    file: `${ARENA}version = "${version}"\n`,
    path: `${at}.version`,
    problem: /is a range/,
    fix: /"1.4.2".*clients/,
    line: 5,
  })),
  {
    name: "an image whose tag is a range",
    file: `[[regions]]\nname = "a"\nengine = "nomad"\n[experiences.arena]\nimage = "arena:1.x"\nmax_players = 4\n`,
    path: `${at}.image`,
    problem: /has the tag 1.x, which is a range/,
    fix: /add version = "1.4.2"/,
    line: 5,
  },
];

it.each(BROKEN)("$name: place, problem and fix", expectOnly);

it("takes what the API takes", () => {
  for (const share of ["0.5%", "10%", "99.9%", "100%"]) expect(problemsOf(canary(`"${share}"`))).toEqual([]);
  for (const version of ["2", "1.4.2", "2.0.0-rc.1", "release-7"])
    expect(problemsOf(`${ARENA}version = "${version}"\n`)).toEqual([]);
  expect(problemsOf(`${ARENA}kind = "world"\nrollout.canary = "100%"\n`)).toEqual([]);
  const tagged = `[[regions]]\nname = "a"\nengine = "nomad"\n[experiences.arena]\nimage = "arena:1.x"\nmax_players = 4\n`;
  expect(problemsOf(`${tagged}version = "1.4.2"\n`)).toEqual([]);
});
