import fc from "fast-check";
import { loadConfig } from "../config/load";
import { deployment, entryAt, memoryDisk, migrateText, onlyJob } from "./for-test";
import { LIMITS, type Limits } from "./reader/limits";
import { readSources } from "./reader/read-sources";

/** What a fuzzer found, or could have found: manifests that are broken, huge or meant to do harm. */

const codesOf = (text: string): readonly string[] => [...new Set(migrateText(text).ledger.map(({ code }) => code))];
const configMap = (data: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: m }\ndata:\n${data}`;
const pod = (metadata: string): string =>
  `apiVersion: v1\nkind: Pod\nmetadata: ${metadata}\nspec: { containers: [{ name: a, image: b }] }\n`;
const fleet = (container: string): string =>
  `apiVersion: agones.dev/v1\nkind: Fleet\nmetadata: { name: f }\nspec: { template: { spec: { template: { spec: { containers: [${container}] } } } } }\n`;

describe("words that every object of JavaScript has", () => {
  test.each(["constructor", "toString", "__proto__", "hasOwnProperty"])(
    "%s as a kind, label, field and variable",
    (word) => {
      expect(codesOf(`apiVersion: v1\nkind: ${word}\nmetadata: { name: x }\n`)).toEqual(["unknownKind"]);
      const container = `env: [{ name: ${word}, value: a }, { name: B, valueFrom: { fieldRef: { fieldPath: ${word} } } }]
          ports: [{ containerPort: 80 }]
          readinessProbe: { httpGet: { port: 80, httpHeaders: [{ name: ${word}, value: v }] } }`;
      const migration = migrateText(deployment({ container, pod: `nodeSelector: { ${word}: x }` }));
      const { group } = onlyJob(migration);
      expect(Object.entries(group.tasks[0]?.env ?? {})).toEqual([[word, "a"]]);
      expect(group.constraints).toEqual([{ attribute: `\${meta.${word}}`, operator: "=", value: "x" }]);
      expect(Object.entries(group.services[0]?.checks[0]?.header ?? {})).toEqual([[word, ["v"]]]);
      expect(entryAt(migration, "/spec/template/spec/containers/0/env/1/valueFrom/fieldRef/fieldPath").code).toBe(
        "unknownSource",
      );
    },
  );
});

test("a game server without an image is a part of one, and forge.toml loads without it", () => {
  const { files, ledger } = migrateText(
    `${fleet('{ name: a, image: "" }')}---\n${fleet("{ name: a, image: b }").replace("name: f", "name: g")}`,
  );
  expect(ledger.find(({ name }) => name === "f")?.code).toBe("partialPatch");
  const text = files.get("forge.toml") ?? "";
  expect(Object.keys(loadConfig({ file: "forge.toml", readFile: () => text }).config.experiences)).toEqual(["g"]);
});

test("a name that the cluster would begin is held to the rules of names", () => {
  expect(codesOf(pod('{ generateName: "a b-" }'))).toEqual(["badName"]);
  expect(codesOf(pod('{ generateName: "../" }'))).toEqual(["badName"]);
  expect(onlyJob(migrateText(pod("{ generateName: ok- }"))).id).toBe("ok");
});

test("half a surrogate pair is what it is in every file: U+FFFD", () => {
  const { env } =
    onlyJob(migrateText(deployment({ container: 'env: [{ name: A, value: "\\ud800" }]' }))).group.tasks[0] ?? {};
  expect(env).toEqual({ A: "\ufffd" });
});

test("no more of a job than Nomad's servers take", () => {
  const migration = migrateText(deployment({ spec: "replicas: 1000000" }));
  expect(onlyJob(migration).group.count).toBe(50_000);
  expect(entryAt(migration, "/spec/replicas").code).toBe("countLimit");
});

test("variables that double each other end where a variable may be no longer", () => {
  const env = Array.from(
    { length: 60 },
    (_, at) => `{ name: V${at}, value: "${at === 0 ? "x" : `$(V${at - 1})$(V${at - 1})`}" }`,
  );
  const migration = migrateText(deployment({ container: `env: [${env.join(", ")}]` }));
  const codes = migration.ledger.map(({ code }) => code);
  expect(codes.filter((code) => code === "valueTooLong").length).toBeGreaterThan(0);
  expect(
    Math.max(...Object.values(onlyJob(migration).group.tasks[0]?.env ?? {}).map(({ length }) => length)),
  ).toBeLessThanOrEqual(128 * 1024);
});

describe("refused before memory or time runs out", () => {
  const refused = (text: string, limits: Partial<Limits> = {}): readonly string[] =>
    readSources(["a.yaml"], memoryDisk({ "a.yaml": text }), { ...LIMITS, ...limits }).unread.map(({ code }) => code);
  const MANY = 400_000;
  test.each([
    ["lists that are only opened", "[".repeat(MANY)],
    ["maps that are only opened", "{a: ".repeat(MANY)],
    ["dashes", "- ".repeat(MANY)],
    ["question marks", "? ".repeat(MANY)],
    ["maps on one line", "a: b: ".repeat(MANY)],
  ])("%s", (_what, text) => expect(refused(text)).toEqual(["tooDeep"]));

  test.each<[string, string, Partial<Limits>]>([
    ["a value that no cluster would keep", configMap(`  a: "${"x".repeat(2000)}"\n`), { scalarCharacters: 1999 }],
    ["words without end", configMap(`  a: [${"1,".repeat(2000)}1]\n`), { lexemes: 1000 }],
    ["long keys above many values", `{${"k".repeat(500)}: [${"1,".repeat(500)}1]}`, { pointerCharacters: 100_000 }],
    ["documents without end", "---\n".repeat(200), { documents: 100 }],
    ["more values than a run may have", configMap("  a: b\n  c: d\n"), { values: 8 }],
  ])("%s", (_what, text, limits) => {
    expect(refused(text, limits)).toEqual(["tooLarge"]);
    expect(refused(text)).toEqual([]);
  });

  test("what stands before it in the file is converted all the same", () => {
    const { converted, ledger } = migrateText(`${deployment({})}---\n${"[".repeat(MANY)}`);
    expect(converted.jobs.length).toBe(1);
    expect(ledger.at(-1)).toMatchObject({ code: "tooDeep", doc: 1 });
  });

  test("folders that link to each other", () => {
    const endless = { ...memoryDisk({}), stat: () => ({ isDirectory: true, bytes: 0 }), list: () => ["a", "b"] };
    const { unread } = readSources(["x"], endless, { ...LIMITS, files: 1000 });
    expect(unread.length).toBeGreaterThan(0);
    expect(unread.every(({ code }) => code === "unreadable")).toBe(true);
  });

  test("a folder that may not be read leaves the others", () => {
    const disk = memoryDisk({ "in/a.yaml": "a: 1" });
    const closed = { ...disk, list: () => fail("permission denied") };
    expect(readSources(["in", "in/a.yaml"], closed)).toMatchObject({
      documents: [{ file: "in/a.yaml" }],
      unread: [{ file: "in", code: "unreadable", detail: "permission denied" }],
    });
  });
});

function fail(why: string): never {
  throw new Error(why);
}

/** Pieces that a careless or hostile hand leaves in a manifest. */
const SCRAPS = [
  "\t",
  "\r\n",
  "\ufeff",
  "&a ",
  "*a",
  "<<: *a",
  "- ",
  "? ",
  ": ",
  "|",
  ">-",
  "{{ .x }}",
  "'",
  '"',
  "[",
  "}",
  "---",
  "!!binary x",
  "%YAML 9",
  "\u0000",
  "0o9",
  "1e999",
  "null",
  "..",
  "#",
];

test("a manifest with lines lost, doubled, moved and spoilt: nothing is thrown, and the second run says the same", () => {
  const text = `${deployment({ pod: "volumes: [{ name: v, configMap: { name: m } }]", container: "env: [{ name: A, value: b }]" })}---\n${configMap("  a: &a b\n  c: *a\n")}`;
  const lines = text.split("\n");
  const change = fc.tuple(fc.nat(lines.length), fc.nat(60), fc.constantFrom(...SCRAPS), fc.nat(4));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 5 }), (changes) => {
      const copy = [...lines];
      for (const [at, column, scrap, how] of changes) {
        const line = copy[at] ?? "";
        if (how === 0) copy.splice(at, 1);
        else if (how === 1) copy.splice(at, 0, line);
        else if (how === 2) copy[at] = ` ${line}`;
        else copy[at] = `${line.slice(0, column)}${scrap}${line.slice(column)}`;
      }
      const [one, two] = [migrateText(copy.join("\n")), migrateText(copy.join("\n"))];
      expect([...one.files]).toEqual([...two.files]);
      const places = one.ledger.map(({ doc, pointer }) => `${doc}${pointer}`);
      expect(new Set(places).size).toBe(places.length);
    }),
    { numRuns: 300 },
  );
});

test.each([
  ["*/5 0-23 * JAN-DEC MON-FRI", true],
  ["1,2,3-9/2 */2 L * 5#3", true],
  ["@daily", true],
  ["a b c d e", false],
  ["60 * * * *", false],
  ["*/90 * * * *", false],
  ["0 24 * * *", false],
  ["* * 0 * *", false],
  ["0 0 * * FOO", false],
  ["* * * * ,", false],
  ["constructor", false],
])("the schedule %s", (schedule, isTaken) => {
  const job = `jobTemplate: { spec: { template: { spec: { containers: [{ name: a, image: b }] } } } }`;
  const text = `apiVersion: batch/v1\nkind: CronJob\nmetadata: { name: c }\nspec: { schedule: "${schedule}", ${job} }\n`;
  expect(migrateText(text).converted.jobs.length).toBe(isTaken ? 1 : 0);
});

test("compares no node's label with an empty text, which Nomad refuses", () => {
  const terms = (operator: string): string =>
    `affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: zone, operator: ${operator}, values: [""] }] }] } } }`;
  for (const pod of [`nodeSelector: { zone: "" }`, `nodeName: ""`, ...["In", "NotIn", "Gt", "Lt"].map(terms)]) {
    const { group } = onlyJob(migrateText(deployment({ container: "ports: []", pod })));
    expect(group.constraints.filter(({ operator, value }) => operator !== "regexp" && value === "")).toEqual([]);
  }
});
