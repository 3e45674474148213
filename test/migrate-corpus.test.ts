import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { loadConfig } from "../config/load";
import { DEFAULT_ANSWERS } from "../migrate/answers";
import type { RenderedFile } from "../migrate/emit/rendered-files";
import { countLeaves } from "../migrate/for-test";
import { migrate, type Migration } from "../migrate/migrate";
import { readSources } from "../migrate/reader/read-sources";
import { lookedAt } from "../migrate/verify/written";
import { CORPUS, CORPUS_MISSING, corpusDisk, corpusFiles } from "./migrate-corpus";
import { skipUnless } from "./skips";

const folder = CORPUS ?? "";
const files = CORPUS === undefined ? [] : corpusFiles(CORPUS);
const run = (...paths: readonly string[]): Migration =>
  migrate(readSources(paths, corpusDisk(folder)), DEFAULT_ANSWERS);

const parsedFiles = new Map<string, readonly unknown[]>();

/** Values of Secrets that stand in manifests, as they are and decoded, where they are long enough to tell. */
function secretValues(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  const { kind, data, stringData, items } = value as Record<string, unknown>;
  if (Array.isArray(items)) return items.flatMap(secretValues);
  if (kind !== "Secret") return [];
  const encoded = Object.values((data ?? {}) as Record<string, unknown>).map(String);
  const decoded = encoded.map((text) => Buffer.from(text, "base64").toString("utf8"));
  const plain = Object.values((stringData ?? {}) as Record<string, unknown>).map(String);
  return [...encoded, ...decoded, ...plain].filter((text) => text.length >= 8);
}

skipUnless(
  "manifests of other projects",
  CORPUS_MISSING,
  CORPUS !== undefined,
)("the corpus", () => {
  /** A file's documents as plain values, by the YAML library alone. */
  function parsed(file: string): readonly unknown[] {
    const before = parsedFiles.get(file);
    if (before !== undefined) return before;
    const options = { version: "1.1", merge: true, logLevel: "silent" } as const;
    const documents = parseAllDocuments(readFileSync(join(folder, file), "utf8"), options);
    const values = documents.map((document) => (document as { toJS(): unknown }).toJS());
    parsedFiles.set(file, values);
    return values;
  }

  it("has every leaf of every file in the ledger once, counted another way", () => {
    const { ledger } = run(...files);
    const counted = new Map<string, number>();
    for (const { file, doc } of ledger) counted.set(`${file} ${doc}`, (counted.get(`${file} ${doc}`) ?? 0) + 1);
    for (const file of files) {
      for (const [doc, value] of parsed(file).entries()) {
        expect([file, doc, counted.get(`${file} ${doc}`)]).toEqual([file, doc, countLeaves(value)]);
      }
    }
    const places = ledger.map(({ file, doc, pointer }) => `${file} ${doc} ${pointer}`);
    expect(new Set(places).size).toBe(ledger.length);
  });

  it("comes out the same twice, whatever the order, and holds no Secret's value", () => {
    const once = run(...files);
    expect([...run(...[...files].reverse()).files]).toEqual([...once.files]);
    const secrets = files.flatMap(parsed).flatMap(secretValues);
    expect(secrets.length).toBeGreaterThan(0);
    const text = [...once.files.values()].join("\n");
    expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
  });

  it("comes to jobs that keep Nomad's rules, say the same in both files, and hold the bytes of their ConfigMaps", () => {
    const written = run(...files).files;
    const names = [...written.keys()].flatMap((path) => /^(jobs\/.*)\.json$/.exec(path)?.[1] ?? []);
    const text = (path: string): string => written.get(path) ?? "";
    const jobs = names.map((file) => ({ file, hcl: text(`${file}.nomad.hcl`), json: text(`${file}.json`) }));
    const rendered = JSON.parse(text("rendered.json")) as RenderedFile[];
    expect([jobs.length > 20, rendered.length > 0]).toEqual([true, true]);
    expect(lookedAt({ jobs, rendered, games: undefined })).toEqual([]);
  });

  it("makes forge.toml files that are right, of each file by itself", () => {
    let experiences = 0;
    const agones = files.filter((file) => file.startsWith("googleforgames"));
    for (const file of agones) {
      const config = run(file).files.get("forge.toml");
      if (config === undefined) continue;
      const loaded = loadConfig({ file: `${file} forge.toml`, readFile: () => config });
      experiences += Object.keys(loaded.config.experiences).length;
    }
    expect(experiences).toBeGreaterThan(10);
  });
});
