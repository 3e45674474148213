import { ARENA, expectOnly, problemsOf, type Broken } from "./broken-file";

const REGION = `[[regions]]\nname = "us-east"\n`;
const TWO = `${REGION}[[regions]]\nname = "eu-west"\n`;

const BROKEN: readonly Broken[] = [
  {
    name: "two regions of one name",
    file: `[[regions]]\nname = "us-east"\n[[regions]]\nname = "us-east"\n`,
    path: "regions[1].name",
    problem: /already the name of regions\[0\]/,
    fix: /its own name/,
    line: 4,
  },
  {
    name: "a cluster's hosts for the embedded engine",
    file: `[[regions]]\nname = "us-east"\nhosts = "existing"\n`,
    path: "regions[0].hosts",
    problem: /embedded engine/,
    fix: /engine = "nomad"/,
    line: 3,
  },
  {
    name: "a datacenter that cannot name the only region",
    file: `[nomad]\ndatacenter = "42"\n`,
    path: "nomad.datacenter",
    problem: /cannot name the one region/,
    fix: /\[\[regions\]\]/,
    line: 2,
  },
  {
    name: "a region chosen by flag that is none",
    file: `[[regions]]\nname = "us-east"\n`,
    flags: { regions: ["us-eats"] },
    path: "--region",
    problem: /no region of this file/,
    fix: /^did you mean us-east\?$/,
  },
  {
    name: "an experience in a region that is none",
    file: `[[regions]]\nname = "us-east"\n${ARENA}regions = ["us-west"]\n`,
    path: "experiences.arena.regions[0]",
    problem: /no region of this file/,
    fix: /^did you mean us-east\?$/,
    line: 7,
  },
  {
    name: "several controllers on the embedded engine",
    file: `${REGION}controllers = 3\n`,
    path: "regions[0].controllers",
    problem: /embedded engine runs one controller/,
    fix: /write 1 or remove it.*engine = "nomad"/,
    line: 3,
  },
  {
    name: "bounds in a region that is none",
    file: `${REGION}${ARENA}scaling.regions = { us-est = { max_servers = 3 } }\n`,
    path: "experiences.arena.scaling.regions.us-est",
    problem: /no region of this file/,
    fix: /^did you mean us-east\?$/,
    line: 7,
  },
  {
    name: "bounds in a region of a file that names none",
    file: `${ARENA}scaling.regions = { far-away = { max_servers = 3 } }\n`,
    path: "experiences.arena.scaling.regions.far-away",
    problem: /no region of this file/,
    fix: /^write one of dc1$/,
    line: 5,
  },
  {
    name: "bounds in a region where the experience does not run",
    file: `${TWO}${ARENA}regions = ["us-east"]\nscaling.regions.eu-west.min_servers = 1\n`,
    path: "experiences.arena.scaling.regions.eu-west",
    problem: /does not run in/,
    fix: /add "eu-west" to the experience's regions/,
    line: 10,
  },
];

describe("rules of regions and of what names them", () => {
  test.each(BROKEN)("$name: place, problem and fix", expectOnly);

  test("what is right is no problem", () => {
    const bounds = "scaling.regions = { us-east = { max_servers = 3 }, eu-west = { max_servers = 2 } }\n";
    expect(problemsOf(`${TWO}${ARENA}${bounds}`)).toEqual([]);
    expect(problemsOf(`${TWO}${ARENA}regions = ["us-east", "eu-west"]\n${bounds}`)).toEqual([]);
    expect(problemsOf(`${ARENA}scaling.regions.dc1.max_servers = 3\n`)).toEqual([]);
    expect(problemsOf(`${REGION}controllers = 1\n`)).toEqual([]);
    const onNomad = `${REGION}engine = "nomad"\ncontrollers = 3\n`;
    expect(problemsOf(onNomad)).toEqual([]);
    expect(problemsOf(onNomad, { engine: "embedded" })).toEqual([]);
  });

  test("of a region whose name is wrong in itself nothing else is said", () => {
    const problems = problemsOf(`[[regions]]\nname = "US East"\n${ARENA}scaling.regions.us-east.max_servers = 3\n`);
    expect(problems.map(({ path }) => path)).toEqual(["regions[0].name"]);
  });
});
