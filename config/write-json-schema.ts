import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderJsonSchema } from "./json-schema";

/** `npx tsx config/write-json-schema.ts` brings docs/forge.schema.json up to date. */
writeFileSync(join(__dirname, "..", "docs", "forge.schema.json"), renderJsonSchema());
