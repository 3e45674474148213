/** Writes what docs/ has from the API's source: errors.md, openapi.json and the table of rights in api.md. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { format } from "prettier";
import { version } from "../package.json";
import { accessAsMarkdown } from "../controller/api/access";
import { openApiOf } from "../controller/api/openapi";
import { ROUTES } from "../controller/api/routes";
import { problemsAsMarkdown } from "../controller/problems";

async function main(docs: string): Promise<void> {
  await writeFile(join(docs, "errors.md"), problemsAsMarkdown());
  const contract = JSON.stringify(openApiOf(ROUTES, version));
  await writeFile(join(docs, "openapi.json"), await format(contract, { parser: "json", printWidth: 120 }));
  const walk = await readFile(join(docs, "api.md"), "utf8");
  const table = /(?<=<!-- rights -->\n)[^]*(?=\n<!-- end of rights -->)/;
  await writeFile(join(docs, "api.md"), walk.replace(table, accessAsMarkdown()));
}

void main(join(__dirname, "../docs"));
