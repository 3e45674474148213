/**
 * Writes docs/agones-sdk.md anew from what Agones' SDK server and Forge's answer now:
 *
 *   npx tsx test/agones/write-sdk-table.ts
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findPart } from "../cluster/real-parts";
import { seenOfAgones, seenOfForge } from "./sdk-comparison";
import { renderRows, rowsOf } from "./sdk-table";

const PAGE = join(__dirname, "../../docs/agones-sdk.md");

async function main(): Promise<void> {
  const program = findPart("agones-sdk-server");
  if (program === undefined) throw new Error("agones-sdk-server is neither on PATH nor in Forge's cache");
  const rows = rowsOf(await seenOfAgones(program), await seenOfForge());
  const [head] = readFileSync(PAGE, "utf8").split("\n| done ");
  writeFileSync(PAGE, `${head}\n${renderRows(rows)}`);
  execFileSync("npx", ["prettier", "--write", PAGE]);
}

void main();
