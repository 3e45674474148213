import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv2020 from "ajv/dist/2020";
import { parse } from "smol-toml";
import { forgeTomlJsonSchema, renderJsonSchema } from "./json-schema";

const ROOT = join(__dirname, "..");
const TEMPLATES = join(ROOT, "cli", "templates");

/** Without dates, which no key takes: a plain object as JSON has it. */
const documents = [
  join(ROOT, "forge.toml"),
  ...readdirSync(TEMPLATES, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(TEMPLATES, entry.name, "forge.toml")),
].map((file): [string, unknown] => [file.slice(ROOT.length + 1), parse(readFileSync(file, "utf8"))]);

describe("the JSON Schema of forge.toml", () => {
  const accepts = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true }).compile(forgeTomlJsonSchema());

  test("docs/forge.schema.json is what the schema gives: if this fails, run `npx tsx config/write-json-schema.ts`", () => {
    expect(readFileSync(join(ROOT, "docs", "forge.schema.json"), "utf8")).toBe(renderJsonSchema());
  });

  test.each(documents)("accepts %s", (_file, document) => {
    accepts(document);
    expect(accepts.errors ?? []).toEqual([]);
  });

  test.each([
    ["an unknown key", { nomads: {} }, "additionalProperties"],
    ["a required key missing", { experiences: { arena: { command: "x" } } }, "required"],
    ["a number out of range", { scaling: { target_cpu_utilization: 1.5 } }, "maximum"],
    ["a choice that is none", { regions: [{ name: "a", engine: "k8s" }] }, "enum"],
  ])("refuses %s", (_name, document, keyword) => {
    expect(accepts(document)).toBe(false);
    expect(accepts.errors?.map((error) => error.keyword)).toContain(keyword);
  });

  test("tells the defaults", () => {
    const { properties } = forgeTomlJsonSchema();
    expect(properties?.health?.properties?.check_interval_secs?.default).toBe(10);
    const experiences = properties?.experiences?.additionalProperties as typeof properties & object;
    expect(experiences.properties).toMatchObject({ cpu: { default: 500 }, memory: { default: 512 } });
  });
});
