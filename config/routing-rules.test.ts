import { ARENA, expectOnly, problemsOf, type Broken } from "./broken-file";

const routing = (keys: string): string => `${ARENA}routing = { ${keys} }\n`;
const at = "experiences.arena.routing";

const BROKEN: readonly Broken[] = [
  {
    name: "a limit that grows and is not there",
    file: routing("relax_ms_per_sec = 5"),
    path: `${at}.relax_ms_per_sec`,
    problem: /a limit that is not there/,
    fix: /add max_latency_ms, or remove it/,
    line: 5,
  },
  {
    name: "the same with an end",
    file: routing("relax_ms_per_sec = 5, relax_to_ms = 100"),
    path: `${at}.relax_ms_per_sec`,
    problem: /a limit that is not there/,
    fix: /add max_latency_ms/,
    line: 5,
  },
  {
    name: "an end of a growth without a pace",
    file: routing("max_latency_ms = 50, relax_to_ms = 100"),
    path: `${at}.relax_to_ms`,
    problem: /never begins/,
    fix: /^add relax_ms_per_sec, or remove it$/,
    line: 5,
  },
  {
    name: "an end alone",
    file: routing("relax_to_ms = 100"),
    path: `${at}.relax_to_ms`,
    problem: /never begins/,
    fix: /^add max_latency_ms and relax_ms_per_sec, or remove it$/,
    line: 5,
  },
  {
    name: "an end below the beginning",
    file: routing("max_latency_ms = 50, relax_ms_per_sec = 5, relax_to_ms = 20"),
    path: `${at}.relax_to_ms`,
    problem: /below max_latency_ms, 50/,
    fix: /more than 50/,
    line: 5,
  },
];

it.each(BROKEN)("$name: place, problem and fix", expectOnly);

it.each([
  "max_latency_ms = 50",
  "relax_ms_per_sec = 0",
  "max_latency_ms = 50, relax_ms_per_sec = 0",
  "max_latency_ms = 50, relax_ms_per_sec = 5",
  "max_latency_ms = 50, relax_ms_per_sec = 5, relax_to_ms = 50",
  "max_latency_ms = 50, relax_ms_per_sec = 0.5, relax_to_ms = 100",
])("takes %s", (keys) => {
  expect(problemsOf(routing(keys))).toEqual([]);
});

it.each(["max_latency_ms", "relax_ms_per_sec"])("says nothing more where %s is wrong in itself", (key) => {
  const keys = { max_latency_ms: "50", relax_ms_per_sec: "5", relax_to_ms: "100", [key]: "-1" };
  const text = Object.entries(keys).map(([name, value]) => `${name} = ${value}`);
  expect(problemsOf(routing(text.join(", "))).map(({ path }) => path)).toEqual([`${at}.${key}`]);
});
