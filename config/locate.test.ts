import fc from "fast-check";
import { stringify } from "smol-toml";
import { locator } from "./locate";

describe("locator", () => {
  const text = `# a comment with [brackets] and "quotes"
title = "= [not a table]" # another
'quoted key' = 1
[server]
list = [
  "one", # ]
  { name = "two", deep.er = 3 },
]
text = """
[fake]
key = "x"
"""
[[regions]]
name = "a"
[[regions]]
name = "b"
[regions.nomad]
address = 'C:\\'
[a."b.c".d]
e.f = true
`;

  test.each([
    [["title"], 2, 1],
    [["quoted key"], 3, 1],
    [["server"], 4, 1],
    [["server", "list", 1, "name"], 7, 5],
    [["server", "list", 1, "deep", "er"], 7, 19],
    [["server", "text"], 9, 1],
    [["regions", 0, "name"], 14, 1],
    [["regions", 1], 15, 1],
    [["regions", 1, "nomad", "address"], 18, 1],
    [["a", "b.c", "d", "e", "f"], 20, 1],
    [["server", "missing", "key"], 4, 1],
  ])("%j is at %i:%i", (path, line, column) => {
    expect(locator(text)(path)).toEqual({ line, column });
  });

  test("knows nothing of tables that are not there", () => {
    expect(locator(text)(["fake"])).toBeUndefined();
    expect(locator(text)(["elsewhere", 3])).toBeUndefined();
  });

  test("finds every key of any document on a line that holds it", () => {
    const key = fc.oneof(
      fc.constantFrom("a", "b-1", "under_score", "two words", 'quo"te', "ünï", "x.y"),
      fc.string({ minLength: 1 }),
    );
    const { table } = fc.letrec<{ table: Record<string, unknown>; value: unknown }>((tie) => ({
      value: fc.oneof(
        { depthSize: "small" },
        fc.string(),
        fc.integer(),
        fc.boolean(),
        fc.array(fc.string(), { maxLength: 2 }),
        tie("table"),
        fc.array(tie("table"), { minLength: 1, maxLength: 2 }),
      ),
      table: fc.dictionary(key, tie("value"), { maxKeys: 4, noNullPrototype: true }),
    }));
    fc.assert(
      fc.property(table, (document) => {
        const toml = stringify(document);
        const lines = toml.split("\n");
        const find = locator(toml);
        for (const path of leaves(document)) {
          const place = find(path);
          const name = String(path.findLast((part) => typeof part === "string"));
          const written = JSON.stringify(name).slice(1, -1);
          const line = lines[(place?.line ?? 0) - 1] ?? "";
          expect([path, line.includes(written) || line.includes(name)]).toEqual([path, true]);
        }
      }),
    );
  });
});

function leaves(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== "object" || value === null) return typeof path.at(-1) === "string" ? [path] : [];
  return Object.entries(value).flatMap(([key, inner]) =>
    leaves(inner, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}
