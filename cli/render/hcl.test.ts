import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { escapeTemplate } from "../../jobs/escape";
import { findProgram, skipUnless } from "../../test/skips";
import { toHcl } from "./hcl";
import { renderStack } from "./render-stack";

const STACK = {
  "//": { metadata: {} },
  terraform: {
    backend: { local: { path: "/state" } },
    required_providers: { nomad: { source: "nomad", version: "2.5.2" } },
  },
  provider: { nomad: [{ address: "http://a:4646", secret_id: '${trimspace(file("/a \\"b\\"}"))}' }] },
  resource: {
    terraform_data: {
      hosts: {
        "//": { metadata: { path: "x" } },
        triggers_replace: ["a", "1"],
        depends_on: ["nomad_job.x"],
        lifecycle: { ignore_changes: ["input"], replace_triggered_by: ["terraform_data.revision"] },
        provisioner: [{ "local-exec": { interpreter: ["node", "up"], command: "us-east", when: "destroy" } }],
      },
    },
    nomad_job: {
      x: {
        jobspec: escapeTemplate('{"Job":{"ID":"arena","Namespace":"games","Meta":{"a":"${NOMAD_PORT_game} %{ if"}}}'),
        json: true,
      },
    },
  },
};

describe("Terraform's JSON as its own language", () => {
  test("blocks, labels, references, values, and expressions that keep their own quotes", () => {
    expect(toHcl(STACK)).toBe(`terraform {
  backend "local" {
    path = "/state"
  }
  required_providers {
    nomad = {
      "source" = "nomad"
      "version" = "2.5.2"
    }
  }
}

provider "nomad" {
  address = "http://a:4646"
  secret_id = "\${trimspace(file("/a \\"b\\"}"))}"
}

resource "terraform_data" "hosts" {
  triggers_replace = [
    "a",
    "1",
  ]
  depends_on = [nomad_job.x]
  lifecycle {
    ignore_changes = [input]
    replace_triggered_by = [terraform_data.revision]
  }
  provisioner "local-exec" {
    interpreter = [
      "node",
      "up",
    ]
    command = "us-east"
    when = destroy
  }
}

resource "nomad_job" "x" {
  jobspec = "{\\"Job\\":{\\"ID\\":\\"arena\\",\\"Namespace\\":\\"games\\",\\"Meta\\":{\\"a\\":\\"$\${NOMAD_PORT_game} %%{ if\\"}}}"
  json = true
}
`);
  });

  test("what it does not know is said, not left out", () => {
    expect(() => toHcl({ data: {} })).toThrow(/no stack of Forge has had data/);
    expect(() => toHcl({ provider: { nomad: [{ address: "${file(" }] } })).toThrow(/does not end/);
  });

  test("a stack's files have neither CDKTF's notes nor a backend; jobs are as Nomad reads them", () => {
    const [main, job] = renderStack("us-east-jobs", JSON.stringify(STACK), "json");
    expect(main?.path).toBe("us-east-jobs/main.tf.json");
    expect(main?.text).not.toMatch(/"\/\/"|backend/);
    expect(job?.path).toBe("jobs/arena.nomad.json");
    expect(job?.text).toContain("${NOMAD_PORT_game} %{ if");
    expect(renderStack("us-east-jobs", JSON.stringify(STACK), "hcl")[0]?.path).toBe("us-east-jobs/main.tf");
  });
});

const terraform = findProgram("terraform");

skipUnless(
  "Terraform",
  "terraform is not installed",
  terraform !== undefined,
)("as Terraform reads it", () => {
  jest.setTimeout(120_000);
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "forge-hcl-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("any string is what it was", () => {
    const words = fc.array(fc.constantFrom("${", "%{", "$", "%", "{", "}", '"', "\\", "\n", "é", "a", "$${", "~}"), {
      maxLength: 12,
    });
    const texts = fc.sample(
      words.map((parts) => parts.join("")),
      150,
    );
    const resources = Object.fromEntries(
      texts.map((text, index) => [`t${index}`, { input: escapeTemplate(text), triggers_replace: [] }]),
    );
    writeFileSync(join(folder, "main.tf"), toHcl({ resource: { terraform_data: resources } }));
    const env = { ...process.env, CHECKPOINT_DISABLE: "1", TF_IN_AUTOMATION: "1" };
    const tf = (...args: string[]) =>
      execFileSync(terraform ?? "", args, { cwd: folder, env, encoding: "utf8", maxBuffer: 2 ** 24 });
    tf("init", "-no-color");
    tf("plan", "-no-color", "-out", "plan");
    const plan = JSON.parse(tf("show", "-json", "plan")) as {
      readonly planned_values: {
        readonly root_module: {
          readonly resources: readonly { readonly name: string; readonly values: { readonly input: string } }[];
        };
      };
    };
    const read = new Map(plan.planned_values.root_module.resources.map(({ name, values }) => [name, values.input]));
    texts.forEach((text, index) => expect([index, read.get(`t${index}`)]).toEqual([index, text]));
  });
});
