import { type LedgerEntry, SEVERITIES, STATUSES, type Status } from "../ledger/entry";
import { CODES, type Code } from "../ledger/codes";
import type { Converted } from "../convert/convert";

export interface ReportInput {
  readonly ledger: readonly LedgerEntry[];
  readonly converted: Converted;
  /** Paths of what was written, sorted. */
  readonly files: readonly string[];
  /** Files of folders that are no manifests by their name. */
  readonly otherFiles: number;
}

/** Places that are listed of one reason; the ledger has all. */
const PLACES = 12;

export function countByStatus(ledger: readonly LedgerEntry[]): Readonly<Record<Status, number>> {
  const counts = Object.fromEntries(STATUSES.map((status) => [status, 0])) as Record<Status, number>;
  for (const { status } of ledger) counts[status] += 1;
  return counts;
}

/** What was converted and what is left to do, for people. It holds names and places, and no value of the input. */
export function report({ ledger, converted, files, otherFiles }: ReportInput): string {
  const counts = countByStatus(ledger);
  return [
    "# Migration report",
    "",
    `${ledger.length} values of the input, each in ledger.json once:`,
    "",
    "| status | values |",
    "|---|---|",
    ...STATUSES.map((status) => `| ${status} | ${counts[status]} |`),
    ...(otherFiles > 0
      ? ["", `${otherFiles} files of the folders are no manifests by their name and were not read.`]
      : []),
    "",
    "## What to do",
    "",
    ...reasons(ledger),
    "## Before the jobs run",
    "",
    ...preparations(converted),
    "",
    "## Jobs",
    "",
    ...(converted.jobs.length === 0 ? ["None."] : jobTable(converted)),
    "",
    "## Files",
    "",
    ...files.map((file) => `- ${code(file)}`),
    "",
  ].join("\n");
}

function reasons(ledger: readonly LedgerEntry[]): readonly string[] {
  const byCode = new Map<string, LedgerEntry[]>();
  for (const entry of ledger) {
    if (CODES[entry.code as Code].remedy === "" || entry.status === "ignored-by-design") continue;
    const list = byCode.get(entry.code);
    if (list === undefined) byCode.set(entry.code, [entry]);
    else list.push(entry);
  }
  const sorted = [...byCode].sort(([a, [first]], [b, [second]]) => {
    const rank = (entry: LedgerEntry | undefined): number => SEVERITIES.indexOf(entry?.severity ?? "info");
    return rank(second) - rank(first) || (a < b ? -1 : 1);
  });
  if (sorted.length === 0) return ["Nothing.", ""];
  return sorted.flatMap(([reason, entries]) => {
    const { severity, status, remedy } = entries[0] as LedgerEntry;
    const places = entries.slice(0, PLACES).map((entry) => {
      const who = [entry.kind, entry.namespace, entry.name].filter((each) => each !== "").join(" ");
      return `- ${code(`${entry.file}:${entry.line}:${entry.column}`)} ${code(entry.pointer === "" ? "/" : entry.pointer)}${who === "" ? "" : ` of ${code(who)}`}`;
    });
    const more = entries.length - places.length;
    return [
      `### ${severity}: ${reason} (${status}, ${entries.length})`,
      "",
      remedy,
      "",
      ...places,
      ...(more > 0 ? [`- and ${more} more`] : []),
      "",
    ];
  });
}

/** Names of an input may hold anything: none may end the code or the line. */
function code(text: string): string {
  return `\`${text.replace(/[`\r\n|]/g, "?")}\``;
}

function preparations({ jobs, secrets, volumes, externals, experiences }: Converted): readonly string[] {
  const lines: string[] = [];
  if (secrets.length > 0)
    lines.push(`- Copy ${secrets.length} Secrets with the script; it reads them from the cluster.`);
  if (jobs.some((job) => job.secrets.length > 0))
    lines.push("- Let the jobs read them: run grant.sh beside that script.");
  if (volumes.length > 0) lines.push(`- Create ${volumes.length} volumes from volumes/ and copy their data.`);
  if (externals.length > 0)
    lines.push(`- Register ${externals.length} services outside the cluster from consul/external/.`);
  for (const [port, names] of sharedPorts(jobs)) {
    lines.push(
      `- Port ${port} is fixed by ${names.map(code).join(", ")}: each needs a node of its own, or answer ports = "dynamic".`,
    );
  }
  if (experiences.length > 0) lines.push("- Look through forge.toml: `forge config check`.");
  return lines.length === 0 ? ["Nothing."] : lines;
}

/** Ports of nodes that several jobs fix, or one job of which several run. */
function sharedPorts(jobs: Converted["jobs"]): readonly (readonly [number, readonly string[]])[] {
  const byPort = new Map<number, string[]>();
  for (const { job, file } of jobs) {
    for (const { static: port } of job.group.network?.ports ?? []) {
      if (port !== undefined) byPort.set(port, [...(byPort.get(port) ?? []), file.slice("jobs/".length)]);
    }
  }
  return [...byPort].filter(([, names]) => names.length > 1).sort(([a], [b]) => a - b);
}

function jobTable({ jobs }: Converted): readonly string[] {
  return [
    "| job | namespace | type | count | tasks | services |",
    "|---|---|---|---|---|---|",
    ...jobs.map(({ job, file }) => {
      const { count, tasks, services } = job.group;
      const names = (list: readonly { readonly name: string }[]): string =>
        list.map(({ name }) => code(name)).join(", ");
      return `| ${code(`${file}.nomad.hcl`)} | ${code(job.namespace)} | ${job.type} | ${count ?? "each node"} | ${names(tasks)} | ${names(services)} |`;
    }),
  ];
}
