import { programInput } from "./program-input";

const read = (file: string | 0): string => `text of ${file === 0 ? "the standard input" : file}`;
const asked = (argv: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  programInput("gate", { argv: ["node", "gate.js", ...argv], env, read });

test.each([
  [
    "its argument, before all",
    ["a.json"],
    { FORGE_GATE_CONFIG_JSON: "{}", FORGE_GATE_CONFIG: "b.json" },
    "text of a.json",
  ],
  ["the JSON in the environment", [], { FORGE_GATE_CONFIG_JSON: "{}", FORGE_GATE_CONFIG: "b.json" }, "{}"],
  ["the file that the environment names", [], { FORGE_GATE_CONFIG: "b.json" }, "text of b.json"],
  ["the standard input", [], { FORGE_AGENT_CONFIG_JSON: "another's" }, "text of the standard input"],
])("a program is told by %s", (_name, argv, env, text) => {
  expect(asked(argv, env as Record<string, string>).text).toBe(text);
});
