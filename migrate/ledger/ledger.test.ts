import fc from "fast-check";
import { parseAllDocuments } from "yaml";
import { countLeaves, deployment, memoryDisk, migrateText } from "../for-test";
import { migrate } from "../migrate";
import { DEFAULT_ANSWERS } from "../answers";
import { readSources } from "../reader/read-sources";
import { CODES } from "./codes";
import { SEVERITIES, STATUSES } from "./entry";

const KINDS = [
  "apps/v1 Deployment",
  "apps/v1 StatefulSet",
  "apps/v1 DaemonSet",
  "batch/v1 Job",
  "batch/v1 CronJob",
  "v1 Pod",
  "v1 Service",
  "v1 ConfigMap",
  "v1 Secret",
  "v1 Namespace",
  "v1 PersistentVolumeClaim",
  "networking.k8s.io/v1 Ingress",
  "autoscaling/v2 HorizontalPodAutoscaler",
  "policy/v1 PodDisruptionBudget",
  "agones.dev/v1 Fleet",
  "autoscaling.agones.dev/v1 FleetAutoscaler",
  "example.com/v1 Unknown",
].map((each) => each.split(" ") as [string, string]);

/** Words that converters look for, in places where they do not expect them. */
const WORDS = [
  "containers",
  "spec",
  "template",
  "metadata",
  "image",
  "name",
  "ports",
  "env",
  "valueFrom",
  "rules",
  "http",
  "volumes",
  "resources",
  "limits",
  "cpu",
  "selector",
  "matchLabels",
  "data",
  "items",
  "jobTemplate",
  "readinessProbe",
  "httpGet",
  "port",
  "affinity",
  "replicas",
  "schedule",
  "securityContext",
  "strategy",
  "behavior",
  "metrics",
  "paths",
  "policy",
  "buffer",
  "lists",
  "health",
];

const noise = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    fc.constantFrom(
      "25%",
      "100m",
      "64Mi",
      "../x",
      "${NOMAD_ALLOC_ID}",
      "* * * * *",
      "None",
      "",
      0,
      -1,
      8080,
      1e21,
      true,
      null,
    ),
    fc.string({ maxLength: 6 }),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...WORDS), fc.string({ maxLength: 4 })), tie("value"), { maxKeys: 4 }),
  ),
})).value;

const object = fc
  .tuple(fc.constantFrom(...KINDS), noise, noise, noise)
  .map(([[apiVersion, kind], containers, spec, rest]) => {
    const pod = { containers: [{ name: "a", image: "b", ...record(containers) }], ...record(rest) };
    const template = { metadata: { labels: { app: "x" } }, spec: pod };
    const inner = { template, jobTemplate: { spec: { template } }, ...record(spec) };
    return { apiVersion, kind, metadata: { name: "x" }, spec: kind === "Pod" ? pod : inner, ...record(rest) };
  });

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

test("every leaf of anything is in the ledger once, and nothing is thrown", () => {
  fc.assert(
    fc.property(fc.array(object, { minLength: 1, maxLength: 4 }), (objects) => {
      const text = objects.map((each) => JSON.stringify(each)).join("\n---\n");
      const { ledger } = migrateText(text);
      const pointers = ledger.map(({ doc, pointer }) => `${doc}${pointer}`);
      expect(new Set(pointers).size).toBe(pointers.length);
      if (ledger.some(({ code }) => code === "notYaml")) return;
      const expected = parseAllDocuments(text).reduce(
        (sum, document) => sum + countLeaves((document as { toJS(): unknown }).toJS()),
        0,
      );
      expect(ledger.length).toBe(expected);
    }),
    { numRuns: 150 },
  );
});

test("the order of files changes nothing", () => {
  const files = {
    "a.yaml": deployment({}),
    "b.yaml":
      "apiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec: { selector: { app: web }, ports: [{ port: 80 }] }\n",
    "c.yaml": deployment({ spec: "replicas: 3" }).replace("name: web }", "name: other }"),
  };
  const run = (...paths: readonly string[]) => [
    ...migrate(readSources(paths, memoryDisk(files)), DEFAULT_ANSWERS).files,
  ];
  expect(run("c.yaml", "a.yaml", "b.yaml")).toEqual(run("a.yaml", "b.yaml", "c.yaml"));
});

describe("what is no object of a cluster is named", () => {
  test.each([
    ["a kustomization", "resources: [a.yaml]\nnamePrefix: x\n", "kustomization"],
    ["values of a chart", "image: { tag: x }\n", "noObject"],
    [
      "a patch",
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec: { replicas: 2 }\n",
      "partialPatch",
    ],
    [
      "a kind that nobody knows",
      "apiVersion: serving.knative.dev/v1\nkind: Ingress\nmetadata: { name: web }\n",
      "unknownKind",
    ],
    ["a name that leads elsewhere", deployment({}).replace("{ name: web }", "{ name: ../../etc/cron }"), "badName"],
    [
      "a namespace that leads elsewhere",
      deployment({}).replace("{ name: web }", "{ name: web, namespace: .. }"),
      "badName",
    ],
    ["a document without anything", "# only a comment\n---\n", "emptyDocument"],
    ["an object without a name", "apiVersion: v1\nkind: ConfigMap\ndata: { a: b }\n", "noName"],
  ])("%s", (_what, text, code) => {
    const { ledger, converted } = migrateText(text);
    expect([...new Set(ledger.map((entry) => entry.code))]).toEqual([code]);
    expect(converted.jobs).toEqual([]);
  });

  test("the same object twice, and another of its name", () => {
    const codesOf = (text: string, doc: number) => {
      const { ledger } = migrateText(text);
      return [...new Set(ledger.filter((entry) => entry.doc === doc).map(({ code }) => code))];
    };
    expect(codesOf(`${deployment({})}---\n${deployment({})}`, 1)).toEqual(["duplicate"]);
    expect(codesOf(`${deployment({})}---\n${deployment({ spec: "replicas: 2" })}`, 1)).toEqual(["conflictingObject"]);
  });
});

test("every code says what to do where something is to be done", () => {
  for (const [code, { status, severity, remedy }] of Object.entries(CODES)) {
    expect([code, STATUSES.includes(status), SEVERITIES.includes(severity)]).toEqual([code, true, true]);
    if (status !== "converted") expect([code, /^[A-Z`$].*\.$/.test(remedy)]).toEqual([code, true]);
  }
});

test("fields that are there and say nothing are passed over; those whose emptiness says something are not", () => {
  const pod = "securityContext: {}\n      nodeSelector:\n      tolerations: []";
  const { ledger } = migrateText(deployment({ pod, container: "resources: {}\n          mystery: {}" }));
  const codeOf = (end: string): string | undefined => ledger.find(({ pointer }) => pointer.endsWith(end))?.code;
  expect(codeOf("/spec/securityContext")).toBe("ignoredField");
  expect(codeOf("/nodeSelector")).toBe("ignoredField");
  expect(codeOf("/resources")).toBe("ignoredField");
  expect(codeOf("/mystery")).toBe("noRule");
});

test("a list within a list holds objects as the outer one does", () => {
  const [apiVersion, kind] = ["v1", "List"];
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "a" },
    spec: { containers: [{ name: "c", image: "b" }] },
  };
  const outer = { apiVersion, kind, items: [{ apiVersion, kind, items: [pod] }] };
  const { ledger, converted } = migrateText(JSON.stringify(outer));
  expect(converted.jobs.map(({ file }) => file)).toEqual(["jobs/a"]);
  expect(ledger.find(({ pointer }) => pointer === "/items/0/kind")?.code).toBe("listWrapper");
  expect(ledger.find(({ pointer }) => pointer === "/items/0/items/0/kind")?.code).toBe("converted");
});

test("fields that say what Nomad does anyway are no warnings; with another value they are", () => {
  const stateful = (partition: number, policy: string, share: boolean): string =>
    deployment({
      spec: `podManagementPolicy: ${policy}\n  updateStrategy: { rollingUpdate: { partition: ${partition} } }`,
      pod: `shareProcessNamespace: ${share}`,
    }).replace("kind: Deployment", "kind: StatefulSet");
  const codesOf = (text: string): readonly (string | undefined)[] =>
    ["/podManagementPolicy", "/partition", "/shareProcessNamespace"].map(
      (end) => migrateText(text).ledger.find(({ pointer }) => pointer.endsWith(end))?.code,
    );
  expect(codesOf(stateful(0, "Parallel", false))).toEqual(["ignoredField", "ignoredField", "ignoredField"]);
  expect(codesOf(stateful(1, "OrderedReady", true))).toEqual(["startOrder", "partition", "shareProcesses"]);
  // Of an object that is lost as a whole nothing is passed over.
  const unknown = "apiVersion: x.example/v1\nkind: X\nmetadata: { name: a }\nspec: { partition: 0 }\n";
  expect(migrateText(unknown).ledger.map(({ code }) => code)).not.toContain("ignoredField");
});
