import { objectsOf } from "./object";
import { leavesOf, memoryDisk, migrateText } from "./for-test";
import { readSources } from "./reader/read-sources";
import type { LedgerEntry } from "./ledger/entry";
import type { Migration } from "./migrate";

/**
 * For tests: what a row of the concept map comes to, as text to keep. Only what the row's manifest has beyond the plain
 * one is shown: lines of the files with the blocks that they stand in, and entries of the ledger.
 */
export function goldenOf(text: string, plain: string): string {
  const [migration, before] = [migrateText(text), migrateText(plain)];
  const parts: string[] = [];
  for (const [path, content] of migration.files) {
    if (isAbout(path)) continue;
    const lines = newLines(content, before.files.get(path) ?? "");
    if (lines.length > 0) parts.push([`== ${path}`, ...lines].join("\n"));
  }
  const known = new Set(entriesOf(before, plain));
  const entries = entriesOf(migration, text).filter((entry) => !known.has(entry));
  parts.push(["== ledger", ...entries.map((entry) => entry.slice(entry.indexOf("\n") + 1))].join("\n"));
  return `${parts.join("\n\n")}\n`;
}

/** Files that say the same as another, or that name each object whatever it is. */
function isAbout(path: string): boolean {
  return (
    ["REPORT.md", "ledger.json", "answers.toml", "rendered.json"].includes(path) ||
    /^(jobs\/.*\.json|stacks\/.*)$/.test(path)
  );
}

/** One text an entry: what the manifest says at the place, a line break, and what became of it. */
function entriesOf({ ledger }: Migration, text: string): readonly string[] {
  const values = valuesOf(text);
  const told = (each: LedgerEntry): string => {
    const { kind, pointer, status, code, severity, targets } = each;
    const to = targets.length === 0 ? "" : ` -> ${targets.join(", ")}`;
    const how = severity === "info" ? "" : `, ${severity}`;
    return `${kind} ${pointer}: ${status} (${code}${how})${to}`;
  };
  return ledger.map((each) => `${values.get(`${each.doc}${each.pointer}`) ?? ""}\n${told(each)}`);
}

function valuesOf(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const document of readSources(["in.yaml"], memoryDisk({ "in.yaml": text })).documents) {
    const { doc } = objectsOf(document).accounted.document;
    const lines = text.split("\n");
    for (const { pointer, line, column } of leavesOf(document.root)) {
      values.set(`${doc}${pointer}`, (lines[line - 1] ?? "").slice(column - 1).replace(/[\s,}\]]+$/, ""));
    }
  }
  return values;
}

interface Head {
  readonly text: string;
}

interface Line {
  readonly text: string;
  /** The blocks that it stands in, outermost first; two blocks of one name are two objects. */
  readonly heads: readonly Head[];
}

/** Lines that the other text has not in the same blocks, with the heads and ends of their blocks. */
function newLines(text: string, before: string): readonly string[] {
  const keyOf = ({ text: line, heads }: Line): string => [...heads.map(({ text: head }) => head), line].join("\n");
  const known = new Set(linesOf(before).map(keyOf));
  const shown: string[] = [];
  let open: readonly Head[] = [];
  const turnTo = (heads: readonly Head[]): void => {
    const other = heads.findIndex((head, at) => open[at] !== head);
    const kept = other === -1 ? heads.length : other;
    for (const { text: head } of open.slice(kept).reverse()) if (/[{[]$/.test(head)) shown.push(endOf(head));
    shown.push(...heads.slice(kept).map(({ text: head }) => head));
    open = heads;
  };
  for (const line of linesOf(text)) {
    if (known.has(keyOf(line))) continue;
    turnTo(line.heads);
    shown.push(line.text);
  }
  turnTo([]);
  return shown;
}

function endOf(head: string): string {
  return `${/^ */.exec(head)?.[0] ?? ""}${head.endsWith("[") ? "]" : "}"}`;
}

/** Of HCL, TOML and JSON: what is between a head and its end stands below it; a here-document is one line. */
function linesOf(text: string): readonly Line[] {
  const found: Line[] = [];
  const heads: Head[] = [];
  let heredoc: { readonly marker: string; readonly lines: string[] } | undefined;
  for (const line of text.split("\n")) {
    if (heredoc !== undefined) {
      heredoc.lines.push(line);
      if (line.trim() !== heredoc.marker) continue;
      found.push({ text: heredoc.lines.join("\n"), heads: [...heads] });
      heredoc = undefined;
    } else if (/<<(\w+)$/.test(line)) heredoc = { marker: /<<(\w+)$/.exec(line)?.[1] ?? "", lines: [line] };
    else if (/^\[.*\]$/.test(line)) heads.splice(0, heads.length, { text: line });
    else if (/[{[]$/.test(line)) heads.push({ text: line });
    else if (/^\s*[}\]],?$/.test(line)) heads.pop();
    else if (line.trim() !== "") found.push({ text: line, heads: [...heads] });
  }
  return found;
}
