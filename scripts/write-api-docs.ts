/** Writes the two pages that are made from the API's source: docs/errors.md and docs/openapi.json. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { format } from "prettier";
import { version } from "../package.json";
import { openApiOf } from "../controller/api/openapi";
import { ROUTES } from "../controller/api/routes";
import { problemsAsMarkdown } from "../controller/problems";

async function main(docs: string): Promise<void> {
  await writeFile(join(docs, "errors.md"), problemsAsMarkdown());
  const contract = JSON.stringify(openApiOf(ROUTES, version));
  await writeFile(join(docs, "openapi.json"), await format(contract, { parser: "json", printWidth: 120 }));
}

void main(join(__dirname, "../docs"));
