import { loadConfig } from "../../config/load";
import type { RenderedFile } from "../emit/rendered-files";
import type { Finding, Json, WrittenJob } from "./finding";
import { jsonOfHcl } from "./hcl-job";
import { renderedBytes } from "./render";
import { brokenRules } from "./rules";
import { differenceOf } from "./same-meaning";
import { createHash } from "node:crypto";

/** The folder that `forge migrate` wrote, as far as it is looked at. */
export interface WrittenFolder {
  readonly jobs: readonly WrittenJob[];
  readonly rendered: readonly RenderedFile[];
  /** The text of forge.toml, where there is one. */
  readonly games: string | undefined;
}

interface Templates {
  readonly TaskGroups?: readonly {
    readonly Tasks?: readonly {
      readonly Name?: string;
      readonly Templates?: readonly {
        readonly DestPath?: string;
        readonly EmbeddedTmpl?: string;
        readonly LeftDelim?: string;
        readonly RightDelim?: string;
      }[];
    }[];
  }[];
}

/**
 * Looks at what was written without anything beside it: each job keeps Nomad's rules, its HCL says what its JSON says, its files
 * come to the bytes of their ConfigMaps, and forge.toml loads.
 */
export function lookedAt({ jobs, rendered, games }: WrittenFolder): readonly Finding[] {
  const findings: Finding[] = [];
  const bodies = new Map<string, Json>();
  for (const { file, hcl, json } of jobs) {
    const job = jobOf(json);
    if (job === undefined) {
      findings.push({ file: `${file}.json`, problem: "this is no job in JSON" });
      continue;
    }
    bodies.set(file, job);
    findings.push(...brokenRules(job).map((problem) => ({ file: `${file}.json`, problem })));
    try {
      const at = differenceOf(jsonOfHcl(hcl), job);
      if (at !== undefined)
        findings.push({ file: `${file}.nomad.hcl`, problem: `says something else than the JSON at ${at}` });
    } catch (error) {
      findings.push({ file: `${file}.nomad.hcl`, problem: (error as Error).message });
    }
  }
  findings.push(...rendered.flatMap((file) => otherBytes(file, bodies.get(file.job))));
  if (games !== undefined) findings.push(...unloadable(games));
  return findings;
}

function jobOf(text: string): Json | undefined {
  try {
    return (JSON.parse(text) as { readonly Job?: Json }).Job;
  } catch {
    return undefined;
  }
}

function otherBytes({ job: file, task, path, sha256 }: RenderedFile, job: Json | undefined): readonly Finding[] {
  const tasks = ((job ?? {}) as Templates).TaskGroups?.flatMap(({ Tasks = [] }) => Tasks) ?? [];
  const template = tasks.find(({ Name }) => Name === task)?.Templates?.find(({ DestPath }) => DestPath === path);
  if (template === undefined) return [{ file: `${file}.json`, problem: `task ${task} has no file ${path}` }];
  const { EmbeddedTmpl: data = "", LeftDelim: left, RightDelim: right } = template;
  const bytes = renderedBytes({ data, left: left || undefined, right: right || undefined });
  if (bytes !== undefined && digest(bytes) === sha256) return [];
  return [{ file: `${file}.json`, problem: `${path} of task ${task} does not come to the bytes of its ConfigMap` }];
}

/** As `rendered.json` has it. */
export function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function unloadable(text: string): readonly Finding[] {
  try {
    loadConfig({ file: "forge.toml", readFile: () => text });
    return [];
  } catch (error) {
    return [{ file: "forge.toml", problem: (error as Error).message }];
  }
}
