import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { findProgram, skipUnless } from "../test/skips";
import { escapeTemplate } from "./escape";

/** Everything a replacement or a template could trip over. */
const TRAPS = [
  "${NOMAD_PORT_game}",
  "$${NOMAD_PORT_game}",
  "$$${a}",
  "$$",
  "$&$1$`$'",
  "%{ if true }yes%{ endif }",
  "%%{x}",
  "%%%{",
  "${",
  "%{",
  "$%{",
  "%${",
  "{{ key }}",
  'quote " back \\ slash',
  "line\nline\r\n\ttab",
  "${value.nomad_service}",
  '${"nested ${x}"}',
  "~}${~ x ~}%{~ if x ~}",
  "ünï ☂ \u{1f600}",
  "",
];

const text = fc
  .array(fc.oneof(fc.constantFrom(...TRAPS, "$", "%", "{", "}", "$$", "%%", "\\"), fc.string()), { maxLength: 8 })
  .map((parts) => parts.join(""))
  .filter((joined) => !joined.includes("${TfToken["));

/** How Terraform reads a template that has no expressions. */
function unescape(template: string): string {
  return template.replace(/\$\$\{|%%\{/g, (opening) => opening.slice(1));
}

describe("escapeTemplate", () => {
  test("doubles the first character of each opening", () => {
    expect(escapeTemplate("a ${b} %{c} $ % {")).toBe("a $${b} %%{c} $ % {");
  });

  test("leaves CDKTF's own tokens alone, and nothing else that looks a little like them", () => {
    expect(escapeTemplate("${TfToken[TOKEN.0]}-${TfTokens}-${x}")).toBe("${TfToken[TOKEN.0]}-$${TfTokens}-$${x}");
  });

  test("leaves no opening that Terraform would evaluate, and loses nothing", () => {
    fc.assert(
      fc.property(text, (original) => {
        const escaped = escapeTemplate(original);
        expect(escaped.replace(/\$\$\{|%%\{/g, " ")).not.toMatch(/\$\{|%\{/);
        expect(unescape(escaped)).toBe(original);
      }),
    );
  });
});

const terraform = findProgram("terraform");
const withTerraform = skipUnless("Terraform", "terraform is not on PATH", terraform !== undefined);

withTerraform("escaped strings in real Terraform", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "forge-escape-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test("come back as they were", () => {
    // No line end of Windows' alone: Terraform, like JSON, keeps it; \0 it refuses in any string.
    const originals = [...TRAPS, ...fc.sample(text, { numRuns: 200, seed: 3 })].filter((one) => !one.includes("\0"));
    expect(roundTrip(folder, originals)).toEqual(originals);
  }, 120_000);
});

/** Puts strings through `terraform_data`, whose provider is built in, and reads them from the outputs. */
function roundTrip(folder: string, originals: readonly string[]): unknown {
  const stack = {
    resource: { terraform_data: { strings: { input: originals.map(escapeTemplate) } } },
    output: { strings: { value: "${terraform_data.strings.output}" } },
  };
  writeFileSync(join(folder, "cdk.tf.json"), JSON.stringify(stack));
  writeFileSync(join(folder, "terraformrc"), "");
  const env = {
    ...process.env,
    CHECKPOINT_DISABLE: "1",
    TF_CLI_CONFIG_FILE: join(folder, "terraformrc"),
    TF_IN_AUTOMATION: "1",
  };
  const run = (...args: string[]) =>
    execFileSync(terraform ?? "terraform", args, { cwd: folder, env, encoding: "utf8", maxBuffer: 1 << 26 });
  run("init", "-backend=false", "-input=false", "-no-color");
  run("apply", "-auto-approve", "-input=false", "-no-color");
  return JSON.parse(run("output", "-json", "strings"));
}
