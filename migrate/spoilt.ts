import { parseAllDocuments } from "yaml";
import { DEFAULT_ANSWERS } from "./answers";
import type { RenderedFile } from "./emit/rendered-files";
import { countLeaves, memoryDisk } from "./for-test";
import { migrate } from "./migrate";
import { readSources } from "./reader/read-sources";
import { lookedAt } from "./verify/written";

/** For tests: manifests as careless and hostile hands leave them, and what must hold of each all the same. */

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const VALUES = [
  ...[
    "null",
    "~",
    '""',
    "{}",
    "[]",
    "true",
    "no",
    "0",
    "-1",
    "0644",
    "0o9",
    "1e999",
    "9223372036854775808",
    ".nan",
    "1.5",
  ],
  ...[
    "'25%'",
    "100m",
    "1Ei",
    "-5Mi",
    "99999999999999999999Gi",
    "../../x",
    "a b",
    "'*'",
    "{a: {b: [c]}}",
    "[[], [{}]]",
    "[null]",
  ],
  ...[
    "[x, x]",
    "{'': ''}",
    "'${X} %{ if }'",
    "'{{ .x }}'",
    "'a/b'",
    "'a:b'",
    "2001-01-01",
    "!!binary aGk=",
    "0x1F",
    "1_000",
    "1:30",
  ],
  ...[
    "'\\u0000'",
    '"\\u0000"',
    '"\\ud800"',
    "☂",
    "constructor",
    "__proto__",
    "'@every 1s'",
    "* * * * *",
    "65536",
    "SIGKILL",
    "None",
  ],
];
const KEYS = ["__proto__", "name", "spec", "'a b'", "items", "<<", "0", "true", "containers", "metadata", "''"];

/** One line changed: lost, doubled, moved, given another value, key, indent, anchor or end. */
function spoilLine(lines: string[], at: number, pick: <T>(from: readonly T[]) => T): void {
  const line = lines[at] ?? "";
  const [, head = ""] = /^(\s*(?:- )*\s*["']?[\w./-]+["']?:)(?:\s|$)/.exec(line) ?? [];
  const indent = /^\s*/.exec(line)?.[0] ?? "";
  const ways: readonly (() => void)[] = [
    () => void lines.splice(at, 1),
    () => void lines.splice(at, 0, line),
    () => void lines.splice(at, 0, lines.splice(pick([0, at, lines.length - 1]), 1)[0] ?? ""),
    () => void (lines[at] = head === "" ? `${indent}${pick(VALUES)}` : `${head} ${pick(VALUES)}`),
    () => void (lines[at] = head === "" ? line : `${head} ${pick(VALUES)}`),
    () => void (lines[at] = line.replace(/[\w./-]+:/, `${pick(KEYS)}:`)),
    () => void (lines[at] = `${pick(["  ", " ", "\t"])}${line}`),
    () => void (lines[at] = line.replace(/^ {2}/, "")),
    () => void (lines[at] = line.replace(/:\s/, ": &x ")),
    () => void (lines[at] = head === "" ? line : `${head} *x`),
    () => void lines.splice(at, 0, `${indent}<<: *x`),
    () =>
      void lines.splice(at, 0, pick(["---", "...", "--- # x", "%YAML 1.1", "# c", "\ufeff", "", "---\n---", "--- |"])),
    () => void (lines[at] = `${line}\r`),
    () => void (lines[at] = line.replace(/- /, pick(["", "- - ", "? - ", "-"]))),
    () => void (lines[at] = line.slice(0, Math.ceil(line.length / 2))),
  ];
  pick(ways)();
}

/** @param random as of `randomOf` */
export function spoilt(text: string, random: () => number): string {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const lines = text.split("\n");
  for (let left = 1 + Math.floor(random() * 4); left > 0; left--)
    spoilLine(lines, Math.floor(random() * lines.length), pick);
  return lines.join(random() < 0.1 ? "\r\n" : "\n");
}

/** What does not hold of a text that is migrated, as sentences; whatever it is, it must not throw. */
export function complaints(text: string): readonly string[] {
  const run = () => migrate(readSources(["in.yaml"], memoryDisk({ "in.yaml": text })), DEFAULT_ANSWERS);
  const sources = readSources(["in.yaml"], memoryDisk({ "in.yaml": text }));
  const { ledger, files } = run();
  const found: string[] = [];
  const places = new Set(ledger.map(({ doc, pointer }) => `${doc}${pointer}`));
  if (places.size !== ledger.length) found.push("a place is in the ledger twice");
  const again = run().files;
  if ([...files].some(([path, content]) => again.get(path) !== content))
    found.push("the second run says something else");
  if (sources.unread.length === 0) {
    const leaves = leavesByLibrary(text);
    if (leaves !== undefined && leaves !== ledger.length) found.push(`${ledger.length} entries of ${leaves} values`);
  }
  const names = [...files.keys()].flatMap((path) => /^(jobs\/.*)\.json$/.exec(path)?.[1] ?? []);
  const content = (path: string): string => files.get(path) ?? "";
  const jobs = names.map((file) => ({ file, hcl: content(`${file}.nomad.hcl`), json: content(`${file}.json`) }));
  const rendered = JSON.parse(files.get("rendered.json") ?? "[]") as RenderedFile[];
  const findings = lookedAt({ jobs, rendered, games: files.get("forge.toml") });
  return [...found, ...findings.map(({ file, problem }) => `${file}: ${problem}`)];
}

/** By the YAML library alone; undefined where it sees an error that Kubernetes does not care for. */
function leavesByLibrary(text: string): number | undefined {
  const documents = parseAllDocuments(text, { version: "1.1", merge: true, logLevel: "silent", uniqueKeys: false });
  if (!Array.isArray(documents) || documents.some(({ errors }) => errors.length > 0)) return undefined;
  try {
    return documents.reduce((sum, document) => sum + countLeaves(document.toJS({ maxAliasCount: -1 })), 0);
  } catch {
    return undefined;
  }
}
