import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_ANSWERS, type Answers } from "../../migrate/answers";
import type { ConvertedJob } from "../../migrate/convert/convert";
import { renderJobJson } from "../../migrate/emit/job-json";
import { renderJobHcl } from "../../migrate/emit/job-hcl";
import { deployment, migrateText } from "../../migrate/for-test";
import { migrate } from "../../migrate/migrate";
import { readSources, type Sources } from "../../migrate/reader/read-sources";
import { judgedByNomad } from "../../migrate/verify/judged";
import { CORPUS, CORPUS_MISSING, corpusDisk, corpusFiles } from "../migrate-corpus";
import { skipUnless } from "../skips";
import { NomadAgent } from "./nomad-agent";
import { findPart } from "./real-parts";

/** Every job that migration makes, before Nomad's own eyes: it is valid, and its HCL says what its JSON says. */

const nomad = findPart("nomad");

/** Nobody listens there: jobs that read secrets are only looked at. */
const VAULT = `vault {
  enabled = true
  address = "http://127.0.0.1:9"
  default_identity { aud = ["vault.io"] }
}
`;

skipUnless(
  "Nomad",
  "nomad is neither on PATH nor in Forge's cache",
  nomad !== undefined,
)("jobs from manifests", () => {
  let folder: string;
  let agent: NomadAgent;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "forge-migrated-"));
    agent = await NomadAgent.start(nomad ?? "", folder, VAULT);
  }, 120_000);
  afterAll(async () => {
    await agent?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  /** What Nomad has against a job; nothing where it takes it. */
  async function faults({ job, file }: ConvertedJob): Promise<readonly unknown[]> {
    const written = { file, hcl: renderJobHcl(job), json: renderJobJson(job) };
    return judgedByNomad([written], {
      validate: async (body) =>
        (await agent.call<{ readonly Error?: string }>("PUT", "/v1/validate/job", body)).Error ?? "",
      parse: (hcl) => agent.call("PUT", "/v1/jobs/parse", { JobHCL: hcl, Canonicalize: false }),
    });
  }

  test("strings survive all three layers of interpolation", async () => {
    const nasty = [
      "${NOMAD_ALLOC_ID}",
      "$${x}",
      "%{ if }",
      "{{ x }} [[ <<% <%%%<",
      'a"b\\c\n\td\u0007',
      "EOT\nEOT2\n",
      "ünï ☂ \u2028",
      "$",
      "%",
    ];
    const data = Object.fromEntries(nasty.map((text, at) => [`k${at}`, text]));
    const map = JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "m" }, data });
    const env = JSON.stringify(
      nasty.map((value, at) => ({ name: at % 2 === 0 ? `V${at}` : `v.${at}`, value: value.replace("\u0007", "") })),
    );
    const text = deployment({
      pod: "volumes: [{ name: v, configMap: { name: m } }]",
      container: `volumeMounts: [{ name: v, mountPath: /v }]\n          args: ${JSON.stringify(nasty)}\n          env: ${env}`,
    });
    const { converted } = migrateText(`${text}---\n${map}`);
    // One a file, and one with the variables that Nomad would replace.
    expect(converted.jobs[0]?.job.group.tasks[0]?.templates.length).toBe(nasty.length + 1);
    expect(await Promise.all(converted.jobs.map(faults))).toEqual([[]]);
  });

  skipUnless(
    "manifests of other projects",
    CORPUS_MISSING,
    CORPUS !== undefined,
  )("of the corpus", () => {
    // Each file by itself, since several say different things of one name, and all together.
    const files = CORPUS === undefined ? [] : corpusFiles(CORPUS);
    let sources: readonly Sources[];
    beforeAll(() => {
      const runs = [...files.map((file) => [file]), files];
      sources = runs.map((paths) => readSources(paths, corpusDisk(CORPUS ?? "")));
    }, 60_000);

    test.each<[string, Partial<Answers>]>([
      ["by default", {}],
      ["with other answers", { ports: "dynamic", services: "nomad", secrets: "vault", memory_oversubscription: false }],
    ])(
      "are valid %s",
      async (_name, given) => {
        const answers = { ...DEFAULT_ANSWERS, ...given };
        const jobs = sources.flatMap((each) => migrate(each, answers).converted.jobs);
        expect(jobs.length).toBeGreaterThan(50);
        const found: unknown[] = [];
        for (const job of jobs) found.push(...(await faults(job)));
        expect(found).toEqual([]);
      },
      180_000,
    );
  });
});
