import { HclError, readHcl } from "./read-hcl";

test("blocks, labels, lists, maps, numbers, here-documents and escapes", () => {
  const [block] = readHcl(`# a comment
job "a\\u0041\\"" {
  n = -1.5
  yes = true
  list = ["a", 2,
    "c"]
  map = {
    "k.1" = "v"
    bare = "w"
  }
  text = <<EOT
 one $\${x}
 %%{ y
EOT
  inner {
    x = "$$$\${y}"
  }
}
`);
  expect(block).toEqual({
    type: "job",
    label: 'aA"',
    attributes: new Map<string, unknown>([
      ["n", -1.5],
      ["yes", true],
      ["list", ["a", 2, "c"]],
      [
        "map",
        new Map([
          ["k.1", "v"],
          ["bare", "w"],
        ]),
      ],
      ["text", " one ${x}\n %{ y\n"],
    ]),
    blocks: [{ type: "inner", label: undefined, attributes: new Map([["x", "$$${y}"]]), blocks: [] }],
  });
});

test.each([
  ['a { b = "${c}" }', "line 1: an expression, where only literals are"],
  ["a {\n  b = <<X\n%{ if }\nX\n}", "line 3: an expression, where only literals are"],
  ["a {\n  b = c\n}", "line 2: a literal value was expected"],
  ['a { b = "c', "line 1: a text without its closing quote"],
  ["a {\n b = 1\n b = 2 }", 'line 3: "b" is set twice'],
  ["a { b = <<X\n", "line 2: a here-document without its X"],
  ['a { b = "\\x" }', 'line 1: "\\x" is no escape'],
  ["a = 1", "line 1: an attribute outside of every block"],
  ["a {", "line 1: a name was expected"],
  ["a { b = [1 2] }", 'line 1: "," or "]" was expected'],
])("%j is refused: %s", (text, message) => {
  expect(() => readHcl(text)).toThrow(
    new HclError(message.replace(/^line \d+: /, ""), Number(/\d+/.exec(message)?.[0])),
  );
});
