import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { forgeTomlJsonSchema, type JsonSchema } from "./json-schema";

const PAGE = readFileSync(join(__dirname, "..", "docs", "forge-toml.md"), "utf8");

/** Heading to the rows of its first table: key and default as written. */
function documented(heading: string): ReadonlyMap<string, string> {
  const section = PAGE.split(/^## /m).find((text) => text.startsWith(`\`${heading}\`\n`)) ?? "";
  const [table = ""] = section.split("\n\n").filter((block) => block.startsWith("| key | default |"));
  const rows = [...table.matchAll(/^\| `(\w+)` \| (.*?) \|/gm)];
  return new Map(rows.map(([, key = "", value = ""]) => [key, value]));
}

const root = forgeTomlJsonSchema().properties ?? {};
const experience = tableOf(root.experiences?.additionalProperties);
const SECTIONS: readonly (readonly [string, JsonSchema])[] = [
  ...["nomad", "consul", "vault", "artifacts", "api", "scaling", "health", "allocator", "ping", "demo"].map(
    (name) => [`[${name}]`, tableOf(root[name])] as const,
  ),
  ["[[regions]]", tableOf(root.regions?.items)],
  ["[[webhooks]]", tableOf(root.webhooks?.items)],
  ["[experiences.NAME]", experience],
  ...["scaling", "routing", "rollout", "stop"].map(
    (name) => [`[experiences.NAME.${name}]`, tableOf(experience.properties?.[name])] as const,
  ),
  ["[experiences.NAME.roles.ROLE]", tableOf(experience.properties?.roles?.additionalProperties)],
];

function tableOf(schema: JsonSchema | boolean | undefined): JsonSchema {
  if (typeof schema !== "object") throw new Error("the schema has changed its shape");
  return schema;
}

describe("docs/forge-toml.md", () => {
  test("has a section for every table of the schema", () => {
    const sections = SECTIONS.map(([heading]) => heading.replace(/^\[+(\w+).*/, "$1"));
    expect([...new Set(sections)].sort()).toEqual(Object.keys(root).sort());
  });

  test.each(SECTIONS)("%s lists the keys there are, with their defaults", (heading, schema) => {
    const rows = documented(heading);
    const properties = schema.properties ?? {};
    expect([...rows.keys()].sort()).toEqual(Object.keys(properties).sort());
    for (const [key, { default: value, type, additionalProperties }] of Object.entries(properties)) {
      const isSection = type === "object" && additionalProperties === false;
      if (value === undefined || isSection) continue;
      const written = rows.get(key)?.replaceAll("`", "") ?? "";
      expect([key, parse(`value = ${written}`).value]).toEqual([key, value]);
    }
  });
});
