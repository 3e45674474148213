import { createHash } from "node:crypto";
import type { Cursor } from "../ledger/claims";
import type { KubeObject } from "../object";
import type { ConfigBlock, Template, Volume, VolumeMount } from "../model/nomad-job";
import { dnsLabel } from "./names";
import { guarded, isKey, keysOf, type PodContext, secretExpression, taskTarget } from "./pod-context";
import { mebibytes, quantity } from "./quantity";
import { isComposed } from "./table";

/** What a container's mounts come to in its task. */
export interface Mounts {
  readonly binds: readonly string[];
  readonly tmpfs: readonly ConfigBlock[];
  readonly templates: readonly Template[];
  readonly volumeMounts: readonly VolumeMount[];
}

export interface PodVolume {
  /** Of the group; undefined for what needs none. */
  readonly volume?: Volume;
  /** Adds what one mount of it takes. */
  mount(at: MountPoint): void;
}

interface MountPoint {
  readonly path: string;
  readonly subPath: string;
  readonly readOnly: boolean;
  readonly cursor: Cursor;
  readonly out: {
    binds: string[];
    tmpfs: ConfigBlock[];
    templates: Map<string, Template>;
    volumeMounts: VolumeMount[];
  };
}

/** The volumes of a pod by name. */
export function volumesOf(pod: Cursor, context: PodContext): ReadonlyMap<string, PodVolume> {
  const volumes = new Map<string, PodVolume>();
  for (const volume of pod.get("volumes").items()) {
    const name = volume.get("name").text() ?? "";
    if (!/^[A-Za-z0-9_-]{1,63}$/.test(name)) {
      volume.note("badName");
      continue;
    }
    volume.get("name").converted(`${context.target}#volumes`);
    volumes.set(name, volumeOf(name, volume, context));
  }
  return volumes;
}

/** The mounts of one container. */
export function mountsOf(
  container: Cursor,
  task: string,
  volumes: ReadonlyMap<string, PodVolume>,
  context: PodContext,
): Mounts {
  const out: MountPoint["out"] = { binds: [], tmpfs: [], templates: new Map(), volumeMounts: [] };
  for (const mount of container.get("volumeMounts").items()) {
    const volume = volumes.get(mount.get("name").text() ?? "");
    const path = mount.get("mountPath").text() ?? "";
    const subPath = mount.get("subPath").text() ?? "";
    if (volume === undefined || path === "") mount.note("unresolvedVolume");
    else if (path.includes(":") || /(^|\/)\.\.(\/|$)/.test(subPath) || subPath.startsWith("/")) mount.note("badPath");
    else {
      mount.converted(taskTarget(context, task, "config.volumes"));
      mount.get("subPathExpr").note("subPathExpr");
      mount.get("mountPropagation").note("mountPropagation");
      mount.get("recursiveReadOnly").note("noRule");
      volume.mount({ path, subPath, readOnly: mount.get("readOnly").flag() === true, cursor: mount, out });
    }
  }
  return { ...out, templates: [...out.templates.values()] };
}

type MakeVolume = (name: string, source: Cursor, context: PodContext) => PodVolume;

/** What is made of each source of a volume; others have nothing on Nomad. */
const SOURCES: Readonly<Record<string, MakeVolume>> = {
  configMap: (name, source, context) => filesVolume(name, "local", configMapFiles(source, context)),
  secret: (name, source, context) => filesVolume(name, "secrets", secretFiles(source, context)),
  projected: (name, source, context) => filesVolume(name, "secrets", projectedFiles(source, context)),
  emptyDir,
  persistentVolumeClaim: claimVolume,
  hostPath: (_name, source, context) => hostPath(source, context),
};

function volumeOf(name: string, volume: Cursor, context: PodContext): PodVolume {
  const kind = Object.keys(SOURCES).find((key) => volume.get(key).node !== undefined);
  for (const [key, source] of volume.entries()) if (key !== "name" && key !== kind) source.note("volumeKind");
  const make = kind === undefined ? undefined : SOURCES[kind];
  if (kind === undefined || make === undefined) return { mount: ({ cursor }) => void cursor.note("volumeKind") };
  return make(name, volume.get(kind), context);
}

interface VolumeFile {
  readonly path: string;
  readonly perms: string;
  /** Its bytes as they are, or a template that gives them. */
  readonly content: { readonly text: string } | { readonly template: string; readonly bytes?: Uint8Array };
}

/** Always read only, as in Kubernetes. */
function filesVolume(name: string, root: "local" | "secrets", files: readonly VolumeFile[]): PodVolume {
  const folder = `${root}/volumes/${name}`;
  return {
    mount({ path, subPath, out }) {
      for (const file of files)
        out.templates.set(`${folder}/${file.path}`, fileTemplate(`${folder}/${file.path}`, file));
      out.binds.push(`${subPath === "" ? folder : `${folder}/${subPath}`}:${path}:ro`);
    },
  };
}

const DELIMITERS = [
  ["{{", "}}"],
  ["[[", "]]"],
  ["<<%", "%>>"],
  ["<%%%<", ">%%%>"],
] as const;

/** A pair whose first is not in the text; there is always one that is not. */
function delimitersFor(text: string): readonly [string, string] {
  const found = DELIMITERS.find(([opening]) => !text.includes(opening));
  if (found !== undefined) return found;
  let at = 0;
  while (text.includes(`<%${at}%<`)) at += 1;
  return [`<%${at}%<`, `>%${at}%>`];
}

/** Text as a template that says exactly that text. */
export function literalTemplate(text: string): Pick<Template, "data" | "leftDelimiter" | "rightDelimiter"> {
  // An empty template is refused.
  if (text === "") return { data: '{{ "" }}' };
  if (!isComposed(text)) return { data: encodedTemplate(Buffer.from(text).toString("base64")) };
  const [left, right] = delimitersFor(text);
  return left === "{{" ? { data: text } : { data: text, leftDelimiter: left, rightDelimiter: right };
}

function encodedTemplate(base64: string): string {
  return `{{ ${JSON.stringify(base64)} | base64Decode }}`;
}

function fileTemplate(destination: string, { content, perms }: VolumeFile): Template {
  const data = "template" in content ? { data: content.template } : literalTemplate(content.text);
  const bytes = "text" in content ? Buffer.from(content.text) : content.bytes;
  const sha256 = bytes === undefined ? {} : { sha256: createHash("sha256").update(bytes).digest("hex") };
  return { ...data, destination, changeMode: "noop", perms, ...sha256 };
}

function permsOf(mode: number | undefined): string {
  return ((mode ?? 0o644) & 0o7777).toString(8).padStart(4, "0");
}

/** Which keys become which files: all, or those of `items`. */
function chosen(source: Cursor, keys: readonly string[]): readonly { key: string; path: string; perms: string }[] {
  const perms = permsOf(source.get("defaultMode").int());
  const items = source.get("items");
  if (!items.present) return keys.filter(isKey).map((key) => ({ key, path: key, perms }));
  return items.items().flatMap((item) => {
    const key = item.get("key").text() ?? "";
    const path = item.get("path").text() ?? "";
    if (path === "" || path.startsWith("/") || path.split("/").includes("..")) {
      item.note("badPath");
      return [];
    }
    const mode = item.get("mode").int();
    return [{ key, path, perms: mode === undefined ? perms : permsOf(mode) }];
  });
}

function configMapFiles(source: Cursor, context: PodContext): readonly VolumeFile[] {
  const target = `${context.target}#templates`;
  const map = context.configMap(source.get("name").text() ?? "");
  if (map === undefined) {
    source.note(source.get("optional").flag() === true ? "optionalMissing" : "unresolvedConfigMap");
    return [];
  }
  source.note("configInJob", target);
  return chosen(source, keysOf(map, "data", "binaryData")).flatMap(({ key, path, perms }): readonly VolumeFile[] => {
    const text = map.root.get("data", key);
    const binary = map.root.get("binaryData", key);
    if (!text.present && !binary.present) return [];
    (text.present ? text : binary).note("configInJob", target);
    if (text.node !== undefined && text.present) return [{ path, perms, content: { text: text.text() ?? "" } }];
    const base64 = (binary.text() ?? "").replace(/\s/g, "");
    const bytes = Buffer.from(base64, "base64");
    return [{ path, perms, content: { template: encodedTemplate(base64), bytes } }];
  });
}

function secretFiles(source: Cursor, context: PodContext): readonly VolumeFile[] {
  const target = `${context.target}#templates`;
  const nameAt = source.get("secretName").present ? source.get("secretName") : source.get("name");
  const name = nameAt.text() ?? "";
  const secret = context.secret(name);
  const isOptional = source.get("optional").flag() === true;
  if (secret === undefined && !source.get("items").present) {
    source.note(isOptional ? "optionalMissing" : "unresolvedSecretFiles");
    return [];
  }
  source.note(secret === undefined ? "unresolvedSecret" : "secretAtRunTime", target);
  context.needsSecret(name);
  const keys = secret === undefined ? [] : keysOf(secret, "data", "stringData");
  return chosen(source, keys).map(({ key, path, perms }) => {
    const expression = secretExpression(context, name, key);
    const isBinary = secret !== undefined && isBinaryKey(secret, key);
    return {
      path,
      perms,
      content: { template: guarded(`{{ ${isBinary ? `base64Decode (${expression})` : expression} }}`) },
    };
  });
}

/** Whether a Secret's value is no text: such a one is stored in base64. */
export function isBinaryKey(secret: KubeObject, key: string): boolean {
  const value = secret.root.get("data", key);
  if (value.node?.kind !== "scalar" || typeof value.node.value !== "string") return false;
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(value.node.value, "base64"));
    return false;
  } catch {
    return true;
  }
}

function projectedFiles(projected: Cursor, context: PodContext): readonly VolumeFile[] {
  projected.note("configInJob", `${context.target}#templates`);
  return projected
    .get("sources")
    .items()
    .flatMap((source) => {
      const map = source.get("configMap");
      if (map.present) return configMapFiles(map, context);
      const secret = source.get("secret");
      if (secret.present) return secretFiles(secret, context);
      source.note("volumeKind");
      return [];
    });
}

function emptyDir(name: string, source: Cursor, context: PodContext): PodVolume {
  if (source.get("medium").text() === "Memory") {
    const limit = quantity(source.get("sizeLimit").intOrText() ?? "64Mi") ?? 64 * 2 ** 20;
    source.note("memoryVolume", `${context.target}#config.mount`);
    return {
      mount: ({ path, out }) =>
        void out.tmpfs.push({
          type: "tmpfs",
          target: path,
          readonly: false,
          tmpfs_options: [{ size: Math.floor(limit) }],
        }),
    };
  }
  source.converted(`${context.target}#config.volumes`);
  source.get("sizeLimit").note("sizeLimit", `${context.target}#ephemeral_disk`);
  return {
    mount({ path, subPath, readOnly, out }) {
      const folder = `../alloc/volumes/${name}${subPath === "" ? "" : `/${subPath}`}`;
      out.binds.push(`${folder}:${path}${readOnly ? ":ro" : ""}`);
    },
  };
}

function claimVolume(name: string, source: Cursor, context: PodContext): PodVolume {
  const claim = source.get("claimName").text() ?? "";
  // It becomes a part of a file's name.
  if (!isKey(claim)) {
    source.note("badName");
    return { mount: () => undefined };
  }
  source.note("volumeNeedsHost", `${context.target}#volume.${name}`);
  const isReadOnly = source.get("readOnly").flag() === true;
  const volume = hostVolume(name, `${context.namespace}.${claim}`, context, { bytes: undefined, isSticky: false });
  return mounted({ ...volume, ...(isReadOnly ? { readOnly: true } : {}) });
}

/** A group's volume on the node it runs on. */
export function hostVolume(
  name: string,
  source: string,
  context: Pick<PodContext, "needsVolume">,
  { bytes, isSticky }: { readonly bytes: number | undefined; readonly isSticky: boolean },
): Volume {
  const accessMode = "single-node-writer";
  context.needsVolume({ source, bytes, accessMode });
  return {
    name: dnsLabel(name),
    type: "host",
    source,
    ...(isSticky ? { sticky: true } : {}),
    accessMode,
    attachmentMode: "file-system",
  };
}

/** A volume of the group as something that containers mount. */
export function mounted(volume: Volume): PodVolume {
  return {
    volume,
    mount({ path, subPath, readOnly, cursor, out }) {
      if (subPath !== "") cursor.get("subPath").note("subPathOnVolume");
      out.volumeMounts.push({ volume: volume.name, destination: path, ...(readOnly ? { readOnly } : {}) });
    },
  };
}

function hostPath(source: Cursor, context: PodContext): PodVolume {
  const from = source.get("path").text() ?? "";
  source.note("hostPath", `${context.target}#config.volumes`);
  if (!from.startsWith("/") || from.includes(":")) {
    source.note("badPath");
    return { mount: () => undefined };
  }
  return { mount: ({ path, readOnly, out }) => void out.binds.push(`${from}:${path}${readOnly ? ":ro" : ""}`) };
}

/** MB that a pod's emptyDirs and ephemeral-storage requests ask for; undefined where they say nothing. */
export function diskOf(pod: Cursor): number | undefined {
  const limits = pod
    .get("volumes")
    .items()
    .map((volume) => volume.get("emptyDir", "sizeLimit").intOrText());
  const bytes = limits.reduce<number>((sum, limit) => sum + (limit === undefined ? 0 : (quantity(limit) ?? 0)), 0);
  // A million million is what tests of Kubernetes itself ask for; no scheduler could place it.
  return bytes === 0 || bytes > 2 ** 50 ? undefined : Math.max(300, mebibytes(bytes));
}
