import { z } from "zod";
import { forgeTomlSchema } from "./schema";

/** As much of a JSON Schema as the checks read; all of it goes to docs/forge.schema.json. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly prefixItems?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly required?: readonly string[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
}

let generated: JsonSchema | undefined;

/**
 * forge.toml for editors: JSON Schema (draft 2020-12) of what may be written, generated from the zod schema.
 * Rules over several keys are not in it; `forge config check` has them all.
 */
export function forgeTomlJsonSchema(): JsonSchema {
  generated ??= {
    ...(z.toJSONSchema(forgeTomlSchema, { io: "input" }) as JsonSchema),
    title: "forge.toml",
    description: "Regions and experiences that Forge runs",
  };
  return generated;
}

/** The text of docs/forge.schema.json; `npx tsx config/write-json-schema.ts` writes it. */
export function renderJsonSchema(): string {
  return `${JSON.stringify(forgeTomlJsonSchema(), null, 2)}\n`;
}
