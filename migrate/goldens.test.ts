import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../config/load";
import { migrateText } from "./for-test";
import { goldenOf } from "./golden";

/**
 * One manifest for each row of the concept map, NUMBER-NAME.yaml, and what it comes to beside it; kinds that the
 * map's rows do not number have a name alone. With `FORGE_WRITE_GOLDENS=1` what they come to is written anew: read the
 * difference before it is committed.
 */
const FOLDER = join(__dirname, "goldens");
const ROWS = 130;
const NAMES = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".yaml") && file !== "plain.yaml")
  .map((file) => file.slice(0, -".yaml".length))
  .sort();
const read = (file: string): string => readFileSync(join(FOLDER, file), "utf8");
const PLAIN = read("plain.yaml");

test("each row of the map has one", () => {
  const numbers = NAMES.map((name) => Number(name.slice(0, 3))).filter((number) => !Number.isNaN(number));
  expect(numbers).toEqual(Array.from({ length: ROWS }, (_, at) => at + 1));
});

test.each(NAMES)("%s", (name) => {
  const text = read(`${name}.yaml`);
  const golden = goldenOf(text, PLAIN);
  if (process.env["FORGE_WRITE_GOLDENS"] === "1") writeFileSync(join(FOLDER, `${name}.expected`), golden);
  expect(golden).toBe(read(`${name}.expected`));
  const config = migrateText(text).files.get("forge.toml");
  if (config !== undefined) expect(() => loadConfig({ file: "forge.toml", readFile: () => config })).not.toThrow();
});
