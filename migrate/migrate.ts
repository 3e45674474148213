import { type Answers, writeAnswers } from "./answers";
import { convert, type Converted } from "./convert/convert";
import { gameConfig } from "./emit/game-config";
import { quoted } from "./emit/hcl-text";
import { renderJobHcl } from "./emit/job-hcl";
import { renderJobJson } from "./emit/job-json";
import { report } from "./emit/report";
import { renderedFiles } from "./emit/rendered-files";
import { grantScript, secretPolicy, secretScript, vaultRole } from "./emit/secret-files";
import { stackSource } from "./emit/stack";
import { buildLedger } from "./ledger/build-ledger";
import type { LedgerEntry } from "./ledger/entry";
import { objectsOf } from "./object";
import type { Sources } from "./reader/read-sources";

export interface Migration {
  readonly ledger: readonly LedgerEntry[];
  readonly converted: Converted;
  /** What is to be written: path below the output folder, and text. The same input gives the same bytes. */
  readonly files: ReadonlyMap<string, string>;
}

/** From manifests to files, with every value accounted for. Never throws for what a manifest says. */
export function migrate(sources: Sources, answers: Answers): Migration {
  const read = sources.documents.map(objectsOf);
  const converted = convert(
    read.flatMap(({ objects }) => objects),
    answers,
  );
  const ledger = buildLedger(
    read.map(({ accounted }) => accounted),
    sources.unread,
  );
  const files = new Map(outputs(converted, answers));
  files.set("answers.toml", writeAnswers(answers));
  files.set("ledger.json", ledgerText(ledger));
  const names = [...files.keys(), "REPORT.md"].sort();
  files.set("REPORT.md", report({ ledger, converted, files: names, otherFiles: sources.otherFiles }));
  return { ledger, converted, files: new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1))) };
}

/** One entry a line, so that two ledgers can be compared line by line. */
function ledgerText(ledger: readonly LedgerEntry[]): string {
  return ledger.length === 0 ? "[]\n" : `[\n${ledger.map((entry) => JSON.stringify(entry)).join(",\n")}\n]\n`;
}

function* outputs(converted: Converted, answers: Answers): Generator<readonly [string, string]> {
  const { jobs, secrets, volumes, externals, experiences, namespaces } = converted;
  const store = answers.secrets === "vault" ? "vault" : "nomad";
  for (const each of jobs) {
    yield [`${each.file}.nomad.hcl`, renderJobHcl(each.job)];
    yield [`${each.file}.json`, renderJobJson(each.job)];
    const name = each.file.slice("jobs/".length);
    if (each.secrets.length === 0) continue;
    yield [`${store}/policies/${name}.hcl`, secretPolicy(each, answers)];
    if (store === "vault") yield [`vault/roles/${name}.json`, vaultRole(each)];
  }
  const readers = jobs.filter((each) => each.secrets.length > 0);
  if (readers.length > 0) yield [`${store}/grant.sh`, grantScript(readers, answers)];
  const rendered = renderedFiles(jobs);
  if (rendered.length > 0)
    yield ["rendered.json", `[\n${rendered.map((each) => JSON.stringify(each)).join(",\n")}\n]\n`];
  if (secrets.length > 0) yield [`${store}/copy-secrets.sh`, secretScript(secrets, answers)];
  for (const { namespace, source, bytes, accessMode } of volumes) {
    yield [`volumes/${source}.volume.hcl`, volumeText({ namespace, source, bytes, accessMode })];
  }
  for (const { name, address } of externals) {
    const service = { Service: name, ID: name };
    const body = {
      Node: `external-${name}`,
      Address: address,
      NodeMeta: { "external-node": "true" },
      Service: service,
    };
    yield [`consul/external/${name}.json`, `${JSON.stringify(body, null, 2)}\n`];
  }
  if (jobs.length > 0 || namespaces.length > 0) yield ["stacks/migrated.ts", stackSource(converted, answers)];
  if (experiences.length > 0) yield ["forge.toml", gameConfig(experiences, answers)];
}

/** For `nomad volume create`: a folder that Nomad makes on a node. */
function volumeText({ namespace, source, bytes, accessMode }: Converted["volumes"][number]): string {
  const size =
    bytes === undefined || bytes > Number.MAX_SAFE_INTEGER
      ? ""
      : `capacity_min = ${quoted(`${Math.ceil(bytes / 2 ** 20)}MiB`)}\n`;
  return `# nomad volume create FILE; add node_id or constraint to say on which node.
type      = "host"
name      = ${quoted(source)}
namespace = ${quoted(namespace)}
plugin_id = "mkdir"
${size}
capability {
  access_mode     = ${quoted(accessMode)}
  attachment_mode = "file-system"
}
`;
}
