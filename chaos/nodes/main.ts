/** `npm run chaos -- --on nodes`, or `npm run chaos:nodes`: real Nomad nodes that are cut off, slowed, filled and killed. See docs/chaos.md. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isInside, runInside, wayInside } from "../inside";
import { onNodes } from "./on-nodes";
import { TRIALS } from "./trials";

const FOLDER = "FORGE_CHAOS_FOLDER";

async function main(): Promise<number> {
  const text = { type: "string" as const };
  const { values } = parseArgs({ options: { only: text, keep: text, json: { type: "boolean" } } });
  const only = (values.only ?? "").split(",").filter((name) => name !== "");
  const trials = TRIALS.filter(({ name }) => only.length === 0 || only.some((begin) => name.startsWith(begin)));
  if (trials.length === 0) throw new Error(`there are only ${TRIALS.map(({ name }) => name).join(", ")}`);
  if (isInside()) return await inside(process.env[FOLDER] ?? "", trials, values);
  const way = wayInside();
  if (typeof way === "string") throw new Error(`no namespaces of its own: ${way}`);
  const folder = mkdtempSync(join(tmpdir(), "forge-nodes-"));
  try {
    return await runInside(way, { [FOLDER]: folder });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function inside(
  folder: string,
  trials: typeof TRIALS,
  { json, keep }: { readonly json?: boolean; readonly keep?: string },
): Promise<number> {
  const say = (line: string): void =>
    void (json === true ? undefined : console.log(`${new Date().toISOString().slice(11, 23)} ${line}`));
  const result = await onNodes(trials, { folder, say, keep });
  if (json === true) console.log(JSON.stringify(result));
  else console.log(JSON.stringify(result.players));
  return result.broken.length === 0 ? 0 : 1;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(`chaos: ${(error as Error).message}`);
    process.exit(1);
  },
);
