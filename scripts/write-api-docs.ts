/** Writes what docs/ has from the API's source: errors.md, openapi.json and the tables of rights and limits in api.md. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { format } from "prettier";
import { version } from "../package.json";
import { accessAsMarkdown } from "../controller/api/access";
import { limitsAsMarkdown } from "../controller/api/admission";
import { openApiOf } from "../controller/api/openapi";
import { ROUTES } from "../controller/api/routes";
import { problemsAsMarkdown } from "../controller/problems";

async function main(docs: string): Promise<void> {
  await writeFile(join(docs, "errors.md"), problemsAsMarkdown());
  const contract = JSON.stringify(openApiOf(ROUTES, version));
  await writeFile(join(docs, "openapi.json"), await format(contract, { parser: "json", printWidth: 120 }));
  const walk = await readFile(join(docs, "api.md"), "utf8");
  const rights = /(?<=<!-- rights -->\n)[^]*(?=\n<!-- end of rights -->)/;
  const limits = /(?<=<!-- limits -->\n)[^]*(?=\n<!-- end of limits -->)/;
  const page = walk.replace(rights, accessAsMarkdown()).replace(limits, limitsAsMarkdown());
  await writeFile(join(docs, "api.md"), page);
}

void main(join(__dirname, "../docs"));
