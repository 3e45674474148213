import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { playersOf, loadQueries } from "./query-probe";
import { queryTypeOf } from "./query-protocol";

describe("the name of a query", () => {
  const library = loadQueries();

  test.each([
    ["quake3", { type: "protocol-quake3" }],
    ["Quake3", { type: "protocol-quake3" }],
    ["source", { type: "protocol-valve" }],
    ["a2s", { type: "protocol-valve" }],
    ["openarena", { type: "openarena" }],
    ["minecraft", { type: "protocol-minecraft" }],
    ["mumble", { type: "protocol-mumble" }],
    ["armagetron", { type: "protocol-armagetron" }],
    ["minetest", { direct: "luanti" }],
    ["luanti", { direct: "luanti" }],
  ])("%s", async (name, type) => expect(queryTypeOf(name, await library)).toEqual(type));

  test("is refused wherever the library would ask something else than the server", async () => {
    const { protocols, games } = await library;
    const sources = readSources();
    const askElsewhere = Object.keys(protocols).filter((name) => reaches(name, sources));
    // The list is read out of the library's own source: a new version that asks elsewhere fails here.
    expect(askElsewhere.length).toBeGreaterThan(10);
    const allowed = askElsewhere.filter((name) => name !== "minetest" && !isRefused(name));
    expect(allowed).toEqual([]);
    const gamesAllowed = Object.entries(games).filter(([, { options }]) => askElsewhere.includes(options.protocol));
    expect(gamesAllowed.filter(([name]) => name !== "minetest" && !isRefused(name))).toEqual([]);

    function isRefused(name: string): boolean {
      try {
        queryTypeOf(name, { protocols, games });
        return false;
      } catch {
        return true;
      }
    }
  });
});

describe("players", () => {
  const player = (name: string) => ({ name });
  test.each([
    ["by name", [player("a"), player("b")], [], 2, { count: 2, names: ["a", "b"] }],
    ["without bots, which some protocols count", [player("a")], [player("bot")], 2, { count: 1, names: ["a"] }],
    ["by number alone", [], [], 5, { count: 5, names: [] }],
    ["with fewer names than players", [player("a"), player("")], [], 2, { count: 2, names: ["a"] }],
    ["with a number as text", [], [], "3" as unknown as number, { count: 3, names: [] }],
  ])("%s", (_name, players, bots, numplayers, expected) =>
    expect(playersOf({ players, bots, numplayers })).toEqual({ kind: "players", ...expected }),
  );
});

function readSources(): Map<string, string> {
  const folder = join(dirname(require.resolve("gamedig")), "..", "protocols");
  return new Map(
    readdirSync(folder).map((file) => [file.replace(/\.js$/, ""), readFileSync(join(folder, file), "utf8")] as const),
  );
}

/** Whether a protocol, or one that it is built on, names a fixed address of its own. */
function reaches(name: string, sources: ReadonlyMap<string, string>, seen = new Set<string>()): boolean {
  const source = sources.get(name);
  if (source === undefined || seen.has(name)) return false;
  seen.add(name);
  const code = source.replace(/\/\*[^]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  if (/['"`]https?:\/\/[a-z]/.test(code)) return true;
  const builtOn = [...code.matchAll(/from '\.\/(\w+)\.js'/g)].map(([, file]) => file as string);
  return builtOn.some((file) => file !== "core" && reaches(file, sources, seen));
}
