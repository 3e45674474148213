import { createHash } from "node:crypto";
import type { Answers } from "../answers";
import type { Cursor } from "../ledger/claims";
import type { KubeObject } from "../object";
import { dnsLabel } from "./names";

/** What a pod's conversion may look up, and where it leaves what it needs. */
export interface PodContext {
  readonly answers: Answers;
  readonly namespace: string;
  readonly jobId: string;
  /** `jobs/NAME`, before what is behind `#` in a target. */
  readonly target: string;
  readonly pod: PodIdentity;
  readonly podLabels: Readonly<Record<string, string>>;
  readonly podAnnotations: Readonly<Record<string, string>>;
  configMap(name: string): KubeObject | undefined;
  secret(name: string): KubeObject | undefined;
  /** Told of each Secret that the job reads, so that its writer and policy are made. */
  needsSecret(name: string): void;
  /** Told of each host volume that has to be there before the job. */
  needsVolume(volume: NeededVolume): void;
}

/** What a pod says of itself beside its labels. */
export interface PodIdentity {
  /** Of the workload, and its name; "" where the cluster makes one up. */
  readonly kind: string;
  readonly name: string;
  readonly serviceAccount: string;
  /** Of a Job that counts its pods. */
  readonly isIndexed: boolean;
  /** One of its containers by name. */
  container(name: string): Cursor | undefined;
}

export interface NeededVolume {
  /** As the job names it. */
  readonly source: string;
  readonly bytes: number | undefined;
  readonly accessMode: string;
}

/** `task.NAME.…` within the job. */
export function taskTarget({ target }: PodContext, task: string, path: string): string {
  return `${target}#task.${task}.${path}`;
}

/** Of the policy, and of Vault's role, that let a job read its Secrets. @param file `jobs/NAME` */
export function grantName(file: string): string {
  return `migrated-${dnsLabel(file.slice("jobs/".length))}`;
}

/** Where a Secret's keys are, in Nomad's variables or in Vault, as templates and policies name it. */
export function secretPath({ answers, namespace }: Pick<PodContext, "answers" | "namespace">, name: string): string {
  const path = storedPath(namespace, name);
  return answers.secrets === "vault" ? `${answers.vault_mount}/data/${path}` : path;
}

/**
 * Where a Secret is written to. Nomad takes letters, digits, `-`, `_`, `~` and `/`, at most 128 of them: a dot, which
 * names of Secrets may hold and `~` they may not, becomes one, and the end of what is too long a hash.
 */
export function storedPath(namespace: string, name: string): string {
  const path = `kubernetes/${namespace}/${name}`.replace(/[^A-Za-z0-9\-_/]/g, "~");
  if (path.length <= MAX_PATH) return path;
  const hash = createHash("sha256").update(`${namespace}/${name}`).digest("hex").slice(0, 16);
  return `${path.slice(0, MAX_PATH - 1 - hash.length)}~${hash}`;
}

const MAX_PATH = 128;

/**
 * A template around expressions of Secrets, as long as Vault's have not been read: until then `secret` gives nothing, and to look
 * into nothing would fail the task for good. Nomad's variables need no such guard.
 */
export function guarded(template: string): string {
  const calls = new Set([...template.matchAll(/\((secret "(?:[^"\\]|\\.)*")\)/g)].map(([, call = ""]) => call));
  return [...calls].reduce((text, call) => `{{ with ${call} }}${text}{{ end }}`, template);
}

/** The template expression for one key of a Secret; for `guarded` templates. */
export function secretExpression(context: PodContext, name: string, key: string): string {
  const path = JSON.stringify(secretPath(context, name));
  return context.answers.secrets === "vault"
    ? `index (secret ${path}).Data.data ${JSON.stringify(key)}`
    : `(index (nomadVar ${path}) ${JSON.stringify(key)}).Value`;
}

/** Text of a ConfigMap's or Secret's `data`, by key; never for Secrets' values to be written anywhere. */
export function keysOf(object: KubeObject, ...fields: readonly string[]): readonly string[] {
  const keys = fields.flatMap((field) => mapKeys(object.root.get(field)));
  return [...new Set(keys)];
}

function mapKeys({ node }: Cursor): readonly string[] {
  return node?.kind === "map" ? [...node.entries.keys()] : [];
}

/** What may be a file's name in a volume. */
export function isKey(key: string): boolean {
  return /^[-._a-zA-Z0-9]{1,253}$/.test(key) && !key.startsWith("..");
}
