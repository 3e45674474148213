import type { Answers, StandIn } from "../answers";
import type { Cursor } from "../ledger/claims";
import type { NomadTask, Template } from "../model/nomad-job";
import { dnsLabel } from "./names";
import { entryOf } from "./table";

/** The program that the answers put in the place of a container's image. */
export function standInOf(container: Cursor, answers: Answers): StandIn | undefined {
  const { node } = container.get("image");
  return node?.kind === "scalar" ? entryOf(answers.stand_ins, String(node.value)) : undefined;
}

/** Whether one of some containers has one; such a group has the node's network, for the program has no other. */
export function hasStandIn(containers: Cursor, answers: Answers): boolean {
  return containers.node?.kind === "list" && containers.items().some((each) => standInOf(each, answers) !== undefined);
}

/** Settings of a container that a program beside none does not have. */
const SETTINGS = ["securityContext", "workingDir", "stdin", "tty", "imagePullPolicy"];

interface StandInSetting {
  readonly container: Cursor;
  readonly pod: Cursor;
  readonly target: (path: string) => string;
}

/** A docker task as one of the program in its place, with what it mounted in the task's folder. */
export function standInTask(task: NomadTask, { driver, command, env }: StandIn, setting: StandInSetting): NomadTask {
  const { container, pod, target } = setting;
  for (const field of ["image", "command"]) container.get(field).note("standIn", target("config.command"));
  for (const field of SETTINGS) container.get(field).note("standInSetting");
  for (const field of ["hostAliases", "securityContext"]) pod.get(field).note("standInSetting");
  for (const mount of container.get("volumeMounts").items()) {
    const isVolume = task.volumeMounts.some(({ destination }) => destination === mount.get("mountPath").text());
    if (!isVolume) mount.note("standInMount");
    else if (driver === "raw_exec") mount.note("standInVolume");
  }
  const mounts = mountsOf(task);
  const rewrite = rewriter(mounts);
  const [program = "", ...words] = command;
  const args = [...words, ...((task.config["args"] as readonly string[] | undefined) ?? []).map(rewrite)];
  return {
    ...task,
    driver,
    user: undefined,
    config: { command: program, ...(args.length === 0 ? {} : { args }) },
    env: { ...Object.fromEntries(Object.entries(task.env).map(([name, value]) => [name, rewrite(value)])), ...env },
    templates: [...task.templates, ...mounts.flatMap(({ keeper }) => keeper ?? [])],
    volumeMounts: driver === "raw_exec" ? [] : task.volumeMounts,
    notes: [...task.notes, `In the place of the image ${container.get("image").text() ?? ""}.`],
  };
}

interface Mount {
  /** In the container. */
  readonly path: string;
  /** The same as the program sees it. */
  readonly folder: string;
  /** Makes the folder where nothing else does. */
  readonly keeper?: Template;
}

const ROOTS = [
  ["local/", "${NOMAD_TASK_DIR}/"],
  ["secrets/", "${NOMAD_SECRETS_DIR}/"],
  ["../alloc/", "${NOMAD_ALLOC_DIR}/"],
] as const;

function mountsOf({ config, templates }: NomadTask): readonly Mount[] {
  const binds = ((config["volumes"] as readonly string[] | undefined) ?? []).map((bind): Mount => {
    const [source = "", path = ""] = bind.split(":");
    const root = ROOTS.find(([prefix]) => source.startsWith(prefix));
    const folder = root === undefined ? source : `${root[1]}${source.slice(root[0].length)}`;
    const isMade =
      root?.[0] !== "../alloc/" ||
      templates.some(({ destination }) => destination === source || destination.startsWith(`${source}/`));
    return { path, folder, ...(isMade ? {} : { keeper: keeperOf(folder) }) };
  });
  const memory = ((config["mount"] as readonly { readonly target: string }[] | undefined) ?? []).map(
    ({ target }): Mount => {
      const folder = `\${NOMAD_TASK_DIR}/volumes/${dnsLabel(`memory${target}`)}`;
      return { path: target, folder, keeper: keeperOf(folder) };
    },
  );
  return [...binds, ...memory];
}

/** Nomad makes the folders of files that it writes. */
function keeperOf(folder: string): Template {
  return { data: '{{ "" }}', destination: `${folder}/.keep`, changeMode: "noop" };
}

/** Replaces the paths of mounts in a text, where they stand as paths. */
function rewriter(mounts: readonly Mount[]): (text: string) => string {
  const folders = new Map(mounts.map(({ path, folder }) => [path.replace(/\/+$/, ""), folder]));
  const paths = [...folders.keys()].filter((path) => path !== "").sort((a, b) => b.length - a.length);
  if (paths.length === 0) return (text) => text;
  const escaped = paths.map((path) => path.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = new RegExp(`(?<![\\w.-]|(?<!:/)/)(?:${escaped.join("|")})(?![\\w.-])`, "g");
  return (text) => text.replace(pattern, (path) => folders.get(path) ?? path);
}
