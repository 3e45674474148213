import type { Cursor } from "../ledger/claims";
import type { ConfigBlock, Template, Volume, VolumeMount } from "../model/nomad-job";
import { dnsLabel } from "./names";
import { isKey, type PodContext, taskTarget } from "./pod-context";
import { configMapFiles, fileTemplate, projectedFiles, secretFiles, type VolumeFile } from "./volume-files";
import { mebibytes, quantity } from "./quantity";

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
  // To Kubernetes a volume without any source is an empty folder.
  if (!volume.entries().some(([key]) => key !== "name")) return emptyDir(name, volume.get("emptyDir"), context);
  const make = kind === undefined ? undefined : SOURCES[kind];
  if (kind === undefined || make === undefined) return { mount: ({ cursor }) => void cursor.note("volumeKind") };
  return make(name, volume.get(kind), context);
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
  return {
    mount({ path, subPath, readOnly, out }) {
      const folder = subPath === "" ? from : `${from.replace(/\/+$/, "")}/${subPath}`;
      out.binds.push(`${folder}:${path}${readOnly ? ":ro" : ""}`);
    },
  };
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
