import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { jobJson } from "../../migrate/emit/job-json";
import { deployment, migrateText, onlyJob } from "../../migrate/for-test";
import type { NomadJob } from "../../migrate/model/nomad-job";
import { manifestsOf, nastyPod, startedByKubernetes } from "../../migrate/nasty-text";
import { skipUnless } from "../skips";
import { until } from "../until";
import { NomadAgent } from "./nomad-agent";
import { findPart } from "./real-parts";

/** A converted pod's files and environment as Nomad makes them on a node, byte for byte what Kubernetes would give. */

const nomad = findPart("nomad");
const isRoot = process.getuid?.() === 0;
/** Of random text, started each as a job. */
const PODS = 12;

const FILES: Readonly<Record<string, string>> = {
  "index.html": 'hello ${NOMAD_ALLOC_ID} $${x} %{ if } {{ .x }} "q" \\ back\nEOT\n',
  "no-line-end": "a\r\n\tb",
  "all-delimiters": "{{ [[ <<% <%%%<",
  empty: "",
  unicode: "☂ \u2028\n",
};
const SECRET: Readonly<Record<string, string>> = {
  password: 'p"q\\ $HOME ${NOMAD_ALLOC_ID} {{ x }} #',
  lines: "first\nsecond\n",
  // What is no text is kept in base64.
  blob: Buffer.from([0xff, 0x00, 0x41]).toString("base64"),
};

interface Allocation {
  readonly ID: string;
  readonly ClientStatus: string;
  readonly TaskStates: Readonly<
    Record<string, { readonly Events: readonly { readonly DisplayMessage: string }[] }>
  > | null;
}

function manifests(): string {
  const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "site" }, data: FILES };
  const data = Object.fromEntries(
    Object.entries(SECRET).map(([key, text]) => [key, key === "blob" ? text : Buffer.from(text).toString("base64")]),
  );
  const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "db" }, data };
  const pod = deployment({
    pod: "volumes: [{ name: site, configMap: { name: site } }, { name: db, secret: { secretName: db, defaultMode: 0400 } }]",
    container: `envFrom: [{ secretRef: { name: db }, prefix: ALL_ }]
          env:
            - { name: PASS, valueFrom: { secretKeyRef: { name: db, key: password } } }
            - { name: URL, value: "x://$(PASS)@y $$(PASS) $(NOBODY)" }
            - { name: MISSING, valueFrom: { secretKeyRef: { name: none, key: none, optional: true } } }
            - { name: PLAIN, value: "a%{ b" }
          volumeMounts: [{ name: site, mountPath: /site }, { name: db, mountPath: /db }]`,
  });
  return [pod, JSON.stringify(map), JSON.stringify(secret)].join("\n---\n");
}

skipUnless(
  "Nomad as root",
  "nomad is neither on PATH nor in Forge's cache, or this is not root",
  nomad !== undefined && isRoot,
)("a pod's files and environment", () => {
  let folder: string;
  let agent: NomadAgent;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "forge-migrated-files-"));
    agent = await NomadAgent.start(nomad ?? "", folder);
  }, 120_000);
  afterAll(async () => {
    await agent?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  function running(id: string): Promise<string> {
    return until(`${id} runs`, async () => {
      const [allocation] = await agent.call<readonly Allocation[]>("GET", `/v1/job/${id}/allocations`);
      if (allocation?.ClientStatus === "running") return allocation.ID;
      const events = allocation?.TaskStates?.["main"]?.Events.map(({ DisplayMessage }) => DisplayMessage);
      throw new Error(JSON.stringify(events ?? "no allocation"));
    });
  }

  /** Without containers: a shell in the task's folder, which shows what only the task may see. */
  async function start(job: NomadJob): Promise<void> {
    const show =
      'cat /proc/$$/environ > "$NOMAD_TASK_DIR/environment" && printf "%s\\0" "$@" > "$NOMAD_TASK_DIR/arguments" && { [ ! -d "$NOMAD_SECRETS_DIR/volumes" ] || cp -r "$NOMAD_SECRETS_DIR/volumes" "$NOMAD_TASK_DIR/shown"; } && : > "$NOMAD_TASK_DIR/done" && exec sleep 600';
    type Body = { Job: { TaskGroups: [{ Tasks: [{ Config: { args?: readonly string[] } }] }] } };
    const written = jobJson({ ...job, group: { ...job.group, network: undefined, services: [] } }) as Body;
    const [task] = written.Job.TaskGroups[0].Tasks;
    const args = ["-c", show, "sh", ...(task.Config.args ?? [])];
    const Resources = { CPU: 10, MemoryMB: 32 };
    const shown = { ...task, Driver: "raw_exec", Resources, Config: { command: "/bin/sh", args } };
    const Job = { ...written.Job, TaskGroups: [{ ...written.Job.TaskGroups[0], Tasks: [shown] }] };
    await agent.call("PUT", "/v1/jobs", { Job });
  }

  /** A file of the allocation, once it is there. */
  function cat(allocation: string, path: string): Promise<Buffer> {
    const url = `${agent.address}/v1/client/fs/cat/${allocation}?path=${encodeURIComponent(`main/local/${path}`)}`;
    return until(path, async () => {
      const response = await fetch(url);
      if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
      return Buffer.from(await response.arrayBuffer());
    });
  }

  test("are what Kubernetes would give", async () => {
    await agent.call("PUT", "/v1/var/kubernetes/default/db", {
      Path: "kubernetes/default/db",
      Namespace: "default",
      Items: SECRET,
    });
    await start(onlyJob(migrateText(manifests())));

    const allocation = await running("web");
    await cat(allocation, "done");
    for (const [key, text] of Object.entries(FILES)) {
      expect([key, (await cat(allocation, `volumes/site/${key}`)).toString()]).toEqual([key, text]);
    }
    for (const key of ["password", "lines"]) {
      expect((await cat(allocation, `shown/db/${key}`)).toString()).toBe(SECRET[key]);
    }
    expect((await cat(allocation, "shown/db/blob")).toString("base64")).toBe(SECRET["blob"]);
    const environment = (await cat(allocation, "environment")).toString().split("\0");
    expect(environment).toEqual(
      expect.arrayContaining([
        `PASS=${SECRET["password"]}`,
        `URL=x://${SECRET["password"]}@y $(PASS) $(NOBODY)`,
        `ALL_password=${SECRET["password"]}`,
        `ALL_lines=${SECRET["lines"]}`,
        "PLAIN=a%{ b",
      ]),
    );
    expect(environment.some((each) => each.startsWith("MISSING="))).toBe(false);
  }, 180_000);

  test("and a program's arguments and variables are, whatever they look like", async () => {
    const pods = fc.sample(nastyPod, { numRuns: PODS, seed: 7 });
    for (const [at, pod] of pods.entries()) {
      const name = `nasty-${at}`;
      const path = `kubernetes/default/${name}`;
      await agent.call("PUT", `/v1/var/${path}`, { Path: path, Namespace: "default", Items: { key: pod.secret } });
      await start(onlyJob(migrateText(manifestsOf(pod, name))));
    }
    for (const [at, pod] of pods.entries()) {
      const allocation = await running(`nasty-${at}`);
      await cat(allocation, "done");
      const expected = startedByKubernetes(pod);
      const read = async (path: string): Promise<readonly string[]> =>
        (await cat(allocation, path)).toString().split("\0").slice(0, -1);
      // `printf` writes one empty word where there is none; Nomad composes characters in arguments, as the ledger says.
      const args = expected.args.map((arg) => arg.normalize("NFC"));
      expect([at, await read("arguments")]).toEqual([at, args.length === 0 ? [""] : args]);
      const environment = new Map((await read("environment")).map((each) => [each.replace(/=.*/s, ""), each]));
      const found = [...expected.env.keys()].map((name) => environment.get(name));
      expect([at, found]).toEqual([at, [...expected.env].map(([name, value]) => `${name}=${value}`)]);
      for (const [key, text] of Object.entries(pod.files))
        expect([at, key, (await cat(allocation, `volumes/files/${key}`)).toString()]).toEqual([at, key, text]);
    }
  }, 180_000);
});
