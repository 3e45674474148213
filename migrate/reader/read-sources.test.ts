import { leavesOf, memoryDisk } from "../for-test";
import { LIMITS } from "./limits";
import { readSources } from "./read-sources";
import type { SourceNode } from "./source-node";

function read(files: Readonly<Record<string, string | Uint8Array>>, ...paths: readonly string[]) {
  return readSources(paths.length === 0 ? Object.keys(files) : paths, memoryDisk(files));
}

/** A document as plain values. */
function plain(node: SourceNode): unknown {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(plain);
  return Object.fromEntries([...node.entries].map(([key, value]) => [key, plain(value)]));
}

function valueOf(text: string): unknown {
  const { documents, unread } = read({ "a.yaml": text });
  expect(unread).toEqual([]);
  return plain(documents[0]?.root as SourceNode);
}

describe("what Kubernetes reads beside YAML", () => {
  test("JSON objects that follow each other, each at its place", () => {
    const { documents, unread } = read({ "a.json": '{ "a": "}{", "b": [{}] }\n{"a": 2}{"a":\n 3}\n' });
    expect(unread).toEqual([]);
    expect(documents.map(({ doc, root }) => [doc, plain(root)])).toEqual([
      [0, { a: "}{", b: [{}] }],
      [1, { a: 2 }],
      [2, { a: 3 }],
    ]);
    const places = documents.map(({ root }) => [...leavesOf(root)].at(-1)).map((leaf) => [leaf?.line, leaf?.column]);
    expect(places).toEqual([
      [1, 20],
      [2, 7],
      [3, 2],
    ]);
    const few = readSources(["a.json"], memoryDisk({ "a.json": "{}{}{}" }), { ...LIMITS, documents: 2 });
    expect(few).toMatchObject({ documents: [{}, {}], unread: [{ code: "tooLarge" }] });
  });

  test("but one that is broken stays one document", () => {
    expect(read({ "a.json": '{ "a": 1 {} }' })).toMatchObject({ documents: [], unread: [{ code: "notYaml" }] });
    expect(valueOf("{ a: '}', b: '{' }")).toEqual({ a: "}", b: "{" });
  });

  test.each(["utf16le", "utf16be"])("text of %s that begins by saying so", (encoding) => {
    const bytes = Buffer.from("\ufeffa: é\n", "utf16le");
    if (encoding === "utf16be") bytes.swap16();
    const { documents, unread } = read({ "a.yaml": bytes });
    expect([unread, documents.map(({ root }) => plain(root))]).toEqual([[], [{ a: "é" }]]);
  });
});

describe("YAML as Kubernetes reads it", () => {
  test.each([
    ["yes", true],
    ["on", true],
    ["Off", false],
    ["n", false],
    ["~", null],
    ["", null],
    ["Null", null],
    ["0644", 420],
    ["0o17", 15],
    ["0x1F", 31],
    ["0b101", 5],
    ["-0x10", -16],
    ["1_000", 1000],
    ["1e3", 1000],
    [".5", 0.5],
    ["1.0", 1],
    ["1:30", "1:30"],
    ["2001-12-14", "2001-12-14"],
    ["08", 8],
    ["1.2.3", "1.2.3"],
    ["9007199254740993", "9007199254740993"],
    ['"yes"', "yes"],
    ["'0644'", "0644"],
    ["!!str 12", "12"],
    ["!!binary aGVsbG8=", "hello"],
    ["100m", "100m"],
    ["-", [null]],
  ])("`a: %s`", (text, value) => {
    expect(valueOf(text === "-" ? "a:\n -" : `a: ${text}`)).toEqual({ a: value });
  });

  test("keys are text, whatever they look like", () => {
    expect(valueOf("on: 1\n8080: 2\n~: 3\n")).toEqual({ true: 1, 8080: 2, null: 3 });
  });

  test("of a key that is there twice the last counts", () => {
    expect(valueOf("a: 1\na: 2\n")).toEqual({ a: 2 });
  });

  test("aliases and merges are followed; what stands there itself wins", () => {
    const text = "base: &b { x: 1, z: 2 }\none: { <<: *b, z: 3 }\ntwo: *b\n";
    expect(valueOf(text)).toEqual({ base: { x: 1, z: 2 }, one: { x: 1, z: 3 }, two: { x: 1, z: 2 } });
  });

  test("a key called __proto__ is a key", () => {
    const root = read({ "a.yaml": "__proto__: { polluted: 1 }\n" }).documents[0]?.root as SourceNode;
    expect([...leavesOf(root)].map(({ pointer }) => pointer)).toEqual(["/__proto__/polluted"]);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});

describe("places", () => {
  test("each leaf has its line and column, also in JSON and with line ends of Windows", () => {
    const places = (text: string) => {
      const root = read({ "a.yaml": text }).documents[0]?.root as SourceNode;
      return [...leavesOf(root)].map(({ pointer, line, column }) => `${pointer} ${line}:${column}`);
    };
    expect(places("a:\n  b/c: 1\n  d~: [x, {}]\n")).toEqual(["/a/b~1c 2:8", "/a/d~0/0 3:8", "/a/d~0/1 3:11"]);
    expect(places("a:\r\n  b: 1\r\n")).toEqual(["/a/b 2:6"]);
    expect(places('{"a":\n {"b": [true]}}')).toEqual(["/a/b/0 2:9"]);
    expect(places("a:\nb:\n  - \n")).toEqual(["/a 1:3", "/b/0 3:5"]);
  });

  test("documents are counted from 0, and a broken one leaves the others", () => {
    const { documents, unread } = read({ "a.yaml": "a: 1\n---\nb: [\n---\nc: 3\n" });
    expect(documents.map(({ doc }) => doc)).toEqual([0, 2]);
    expect(unread).toMatchObject([{ code: "notYaml", doc: 1, file: "a.yaml" }]);
  });
});

describe("paths", () => {
  test("folders with all below, in one order, each file once", () => {
    const files = {
      "in/b.yml": "b: 1",
      "in/sub/a.yaml": "a: 1",
      "in/c.json": "{}",
      "in/README.md": "no",
      "in/.git/x.yaml": "x: 1",
    };
    const { documents, otherFiles } = read(files, "in/sub/a.yaml", "in");
    expect(documents.map(({ file }) => file)).toEqual(["in/b.yml", "in/c.json", "in/sub/a.yaml"]);
    expect(otherFiles).toBe(1);
  });

  test("the standard input", () => {
    expect(read({ "-": "a: 1" }, "-").documents).toMatchObject([{ file: "-" }]);
  });
});

describe("what is refused", () => {
  const bomb = [
    "a: &a [x,x,x,x,x,x,x,x,x]",
    ...[..."bcdefghi"].map((key, at) => `${key}: &${key} [${Array(9).fill(`*${"abcdefgh"[at]}`).join(",")}]`),
  ];
  test.each([
    ["an alias bomb", bomb.join("\n"), "aliasBomb"],
    ["an alias within itself", "a: &a [*a]\n", "aliasBomb"],
    ["an alias to nothing", "a: *b\n", "notYaml"],
    ["maps nested too deep", `${"{a: ".repeat(300)}1${"}".repeat(300)}`, "tooDeep"],
    ["lists nested far too deep", `${"[".repeat(20_000)}${"]".repeat(20_000)}`, "tooDeep"],
    ["a template", "a: {{ .Values.x }}\nb: {{- if .Values.y }}\n", "goTemplate"],
    ["tabs", "a:\n\t- b\n", "notYaml"],
    ["control characters", "a: \u0007\n", "notYaml"],
    ["a map as a key", "{a: 1}: 2\n", "notYaml"],
  ])("%s", (_what, text, code) => {
    const { unread, documents } = read({ "a.yaml": text });
    expect(unread.map((each) => each.code)).toContain(code);
    expect(documents).toEqual([]);
  });

  test("a file that is too large, before it is read", () => {
    const disk = memoryDisk({ "a.yaml": "a: 1" });
    const large = { ...disk, stat: () => ({ isDirectory: false, bytes: LIMITS.fileBytes + 1 }), read: () => fail() };
    expect(readSources(["a.yaml"], large).unread).toMatchObject([{ code: "tooLarge" }]);
    const input = { ...disk, readInput: () => new Uint8Array(LIMITS.fileBytes + 1) };
    expect(readSources(["-"], input).unread).toMatchObject([{ code: "tooLarge" }]);
  });

  test("what is no text, and what is not there", () => {
    expect(read({ "a.yaml": new Uint8Array([0x61, 0xff]) }).unread).toMatchObject([{ code: "notUtf8" }]);
    expect(read({}, "missing").unread).toMatchObject([{ code: "unreadable", file: "missing" }]);
  });
});

function fail(): never {
  throw new Error("it was read");
}
