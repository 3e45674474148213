import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { App } from "cdktf";
import type { Construct } from "constructs";
import ts from "typescript";
import { deployment, migrateText } from "../migrate/for-test";

/** The stack that `forge migrate` writes: it type-checks, synthesizes, and hands Nomad the very bytes of the job files. */

const ROOT = resolve(__dirname, "..");
const OPTIONS: ts.CompilerOptions = {
  module: ts.ModuleKind.Preserve,
  target: ts.ScriptTarget.ES2023,
  strict: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: true,
  noEmit: true,
  types: ["node"],
  typeRoots: [join(ROOT, "node_modules/@types")],
  paths: { "*": [join(ROOT, "node_modules", "*")] },
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "forge-migrated-stack-"));
  const secret = "---\napiVersion: v1\nkind: Secret\nmetadata: { name: db, namespace: shop }\nstringData: { a: b }\n";
  const web = deployment({
    container:
      'env: [{ name: A, valueFrom: { secretKeyRef: { name: db, key: a } } }, { name: B, value: "${X} %{ y $${" }]',
  }).replace("{ name: web }", "{ name: web, namespace: shop }");
  for (const [file, text] of migrateText(web + secret).files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("type-checks", () => {
  const program = ts.createProgram([join(folder, "stacks/migrated.ts")], OPTIONS);
  const found = ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
  expect(found).toEqual([]);
}, 120_000);

test("synthesizes namespace, policy and job, and Terraform reads the job as it was written", () => {
  const source = readFileSync(join(folder, "stacks/migrated.ts"), "utf8");
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2023 },
  });
  const exports: { Migrated?: new (scope: Construct, id: string, props: object) => unknown } = {};
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- it is what was just written
  new Function("exports", "require", outputText)(exports, require);
  const app = new App({ outdir: join(folder, "out") });
  if (exports.Migrated === undefined) throw new Error("the stack is not exported");
  new exports.Migrated(app, "migrated", { address: "http://127.0.0.1:4646", folder });
  app.synth();
  const { resource } = JSON.parse(readFileSync(join(folder, "out/stacks/migrated/cdk.tf.json"), "utf8"));
  expect(Object.keys(resource).sort()).toEqual(["nomad_acl_policy", "nomad_job", "nomad_namespace"]);
  const [job] = Object.values(resource.nomad_job) as [{ jobspec: string; depends_on: string[] }];
  // As Terraform reads a template without expressions.
  expect(job.jobspec.replace(/\$\$\{|%%\{/g, (opening) => opening.slice(1))).toBe(
    readFileSync(join(folder, "jobs/web.json"), "utf8"),
  );
  expect(job.depends_on.length).toBe(2);
  const [policy] = Object.values(resource.nomad_acl_policy) as [Record<string, unknown>];
  expect(policy["job_acl"]).toEqual({ namespace: "shop", job_id: "web" });
});
