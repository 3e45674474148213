import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { deployment, entryAt, migrateText, onlyJob } from "./for-test";
import { complaints, randomOf, spoilt } from "./spoilt";

/** Manifests that are spoilt by a seed: `npx jest migrate/spoilt` says the seed of the one that it stops at. */

const FOLDER = join(__dirname, "goldens");
const TEXTS = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".yaml"))
  .sort()
  .map((file) => readFileSync(join(FOLDER, file), "utf8"));
const RUNS = 250;

test("of what was spoilt each value is in the ledger once, jobs are valid, and two runs are the same", () => {
  for (let seed = 1; seed <= RUNS; seed++) {
    const random = randomOf(seed);
    const text = spoilt(TEXTS[Math.floor(random() * TEXTS.length)] ?? "", random);
    expect([seed, complaints(text)]).toEqual([seed, []]);
  }
});

describe("found by spoiling, and by other projects' manifests before real Nomad", () => {
  test("a container that runs before the others has an image too, or it is a part of one", () => {
    const { converted, ledger } = migrateText(deployment({ pod: "initContainers: [{ name: first }]" }));
    expect(converted.jobs).toEqual([]);
    expect(new Set(ledger.map(({ code }) => code))).toEqual(new Set(["partialPatch"]));
  });

  test("a deployment does not end before a task has had its time to stop", () => {
    const { update } = onlyJob(migrateText(deployment({ pod: "terminationGracePeriodSeconds: 1800" }))).group;
    expect(update?.progressDeadline).toBe(1800);
  });

  test("no port is a fraction", () => {
    const service = "apiVersion: v1\nkind: Service\nmetadata: { name: web }\n";
    const ports = "spec: { selector: { app: web }, ports: [{ port: 80, targetPort: 1.5 }] }\n";
    const migration = migrateText(`${deployment({})}---\n${service}${ports}`);
    expect(onlyJob(migration).group.services).toEqual([]);
    expect(entryAt(migration, "/spec/ports/0/port").code).toBe("unresolvedPort");
  });

  test("a name in braces that no engine has filled in is a template", () => {
    const { ledger } = migrateText(
      "apiVersion: v1\nkind: Service\nmetadata: { name: etcd, labels: { cell: {{cell}} } }\n",
    );
    expect(ledger.map(({ code }) => code)).toEqual(["goTemplate"]);
  });
});
