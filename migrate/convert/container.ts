import type { Cursor } from "../ledger/claims";
import type { Code } from "../ledger/codes";
import type { ConfigValue, NomadTask } from "../model/nomad-job";
import { resourcesOf } from "./container-resources";
import { environmentOf } from "./environment";
import { grantName, type PodContext, taskTarget } from "./pod-context";
import { driverLiteral, programOf } from "./program";
import { standInOf, standInTask } from "./stand-in";
import { entryOf } from "./table";
import { mountsOf, type PodVolume } from "./volumes";

/** What a pod says of each of its tasks. */
export interface TaskSetting {
  readonly context: PodContext;
  readonly pod: Cursor;
  readonly volumes: ReadonlyMap<string, PodVolume>;
  readonly killTimeout: number;
  readonly lifecycle?: NomadTask["lifecycle"];
}

/** Fields that say nothing of the program, by what becomes of them. */
const FIXED: Readonly<Record<string, Code>> = {
  terminationMessagePath: "terminationMessage",
  terminationMessagePolicy: "terminationMessage",
  stdinOnce: "ignoredField",
  resizePolicy: "ignoredField",
  volumeDevices: "blockDevice",
  restartPolicyRules: "noRule",
};

/** Nomad's name of a task may not hold a slash; Kubernetes' names hold none anyway. */
export function taskName(container: Cursor, fallback: string): string {
  const name = container.get("name").text() ?? "";
  return /^[A-Za-z0-9_-]{1,63}$/.test(name) ? name : fallback;
}

export function taskOf(container: Cursor, name: string, setting: TaskSetting): NomadTask {
  const { context, pod, volumes, killTimeout, lifecycle } = setting;
  const target = (path: string): string => taskTarget(context, name, path);
  container.get("name").converted(`${context.target}#task.${name}`);
  for (const [field, code] of Object.entries(FIXED)) container.get(field).note(code);
  const notes: string[] = [];
  const { names, env, templates } = environmentOf(container, name, context);
  const mounts = mountsOf(container, name, volumes, context);
  const config: Record<string, ConfigValue> = {
    ...programOf(container, names, target),
    ...(driverLiteral({
      ...imageOf(container, target),
      ...securityOf(container, pod, target),
      ...hostsOf(pod, context),
      ...(mounts.binds.length === 0 ? {} : { volumes: mounts.binds }),
      ...(mounts.tmpfs.length === 0 ? {} : { mount: mounts.tmpfs }),
    }) as Record<string, ConfigValue>),
  };
  lifecycleOf(container.get("lifecycle"), context.target);
  const resources = resourcesOf(container, target, context, notes);
  const task: NomadTask = {
    name,
    driver: "docker",
    lifecycle,
    user: userOf(container, pod, target),
    killTimeout,
    killSignal: signalOf(container.get("lifecycle", "stopSignal"), target),
    config,
    env,
    templates: [...templates, ...mounts.templates],
    volumeMounts: mounts.volumeMounts,
    vault:
      context.answers.secrets === "vault" && readsSecrets([...templates, ...mounts.templates])
        ? { role: grantName(context.target), env: false, changeMode: "noop" }
        : undefined,
    resources,
    notes,
  };
  const standIn = standInOf(container, context.answers);
  return standIn === undefined ? task : standInTask(task, standIn, { container, pod, target });
}

function readsSecrets(templates: NomadTask["templates"]): boolean {
  return templates.some(({ data, leftDelimiter }) => leftDelimiter === undefined && data.includes("(secret "));
}

function imageOf(container: Cursor, target: (path: string) => string): Record<string, ConfigValue> {
  const config: Record<string, ConfigValue> = { image: container.get("image").text() ?? "" };
  container.get("image").converted(target("config.image"));
  const folder = container.get("workingDir");
  if (folder.present) config["work_dir"] = folder.text() ?? "";
  folder.converted(target("config.work_dir"));
  if (container.get("stdin").converted(target("config.interactive")).flag() === true) config["interactive"] = true;
  if (container.get("tty").converted(target("config.tty")).flag() === true) config["tty"] = true;
  const pull = container.get("imagePullPolicy");
  const policy = pull.text();
  if (policy === "Always") config["force_pull"] = true;
  pull.note(policy === "Never" ? "pullNever" : "converted", target("config.force_pull"));
  return config;
}

/** Of system calls and of AppArmor: others are files of the nodes. */
const PROFILES: Readonly<Record<string, Code>> = { RuntimeDefault: "runtimeDefault", Unconfined: "converted" };

function securityOf(container: Cursor, pod: Cursor, target: (path: string) => string): Record<string, ConfigValue> {
  const context = container.get("securityContext");
  const config: Record<string, ConfigValue> = {};
  const options: string[] = [];
  if (context.get("privileged").note("needsPrivileged", target("config.privileged")).flag() === true)
    config["privileged"] = true;
  else if (context.get("privileged").flag() === false) context.get("privileged").converted();
  const capabilities = context.get("capabilities");
  const add = capabilities.get("add").note("needsCapability", target("config.cap_add")).texts();
  const drop = capabilities.get("drop").converted(target("config.cap_drop")).texts();
  if (add.length > 0) config["cap_add"] = add.map(capability);
  if (drop.length > 0) config["cap_drop"] = drop.map(capability);
  if (context.get("readOnlyRootFilesystem").converted(target("config.readonly_rootfs")).flag() === true)
    config["readonly_rootfs"] = true;
  if (context.get("allowPrivilegeEscalation").converted(target("config.security_opt")).flag() === false) {
    options.push("no-new-privileges");
  }
  context.get("procMount").note("noRule");
  for (const security of [context, pod.get("securityContext")]) {
    for (const key of ["seccompProfile", "appArmorProfile"]) {
      const profile = security.get(key);
      const fate = entryOf(PROFILES, profile.get("type").text() ?? "") ?? "localProfile";
      profile.note(fate, ...(fate === "converted" ? [target("config.security_opt")] : []));
    }
    security.get("seLinuxOptions").note("seLinux");
    security.get("windowsOptions").note("windows");
    security.get("runAsNonRoot").note("runAsNonRoot");
  }
  for (const [key, option] of [
    ["seccompProfile", "seccomp=unconfined"],
    ["appArmorProfile", "apparmor=unconfined"],
  ] as const) {
    const own = context.get(key);
    const profile = own.present ? own : pod.get("securityContext", key);
    if (profile.get("type").text() === "Unconfined") options.push(option);
  }
  if (options.length > 0) config["security_opt"] = options;
  for (const [field, key] of [
    ["hostPID", "pid_mode"],
    ["hostIPC", "ipc_mode"],
  ] as const) {
    if (pod.get(field).flag() === true) config[key] = "host";
  }
  return config;
}

function capability(name: string): string {
  return name.toLowerCase().replace(/^cap_/, "");
}

function userOf(container: Cursor, pod: Cursor, target: (path: string) => string): string | undefined {
  const of = (key: string): number | undefined => {
    const own = container.get("securityContext", key);
    const shared = pod.get("securityContext", key);
    own.converted(target("user"));
    shared.converted(target("user"));
    return (own.present ? own : shared).int();
  };
  const user = of("runAsUser");
  const group = of("runAsGroup");
  if (user === undefined) return group === undefined ? undefined : `0:${group}`;
  return group === undefined ? String(user) : `${user}:${group}`;
}

function hostsOf(pod: Cursor, { target }: PodContext): Record<string, ConfigValue> {
  const hosts = pod
    .get("hostAliases")
    .converted(`${target}#config.extra_hosts`)
    .items()
    .flatMap((alias) =>
      alias
        .get("hostnames")
        .texts()
        .map((name) => `${name}:${alias.get("ip").text() ?? ""}`),
    );
  return hosts.length === 0 ? {} : { extra_hosts: hosts };
}

function lifecycleOf(lifecycle: Cursor, target: string): void {
  const stop = lifecycle.get("preStop");
  if (sleepOf(stop) === undefined) stop.note("preStop");
  else stop.note("preStopSleep", `${target}#shutdown_delay`);
  lifecycle.get("postStart").note("postStart");
}

/** Seconds that a hook before the stop only waits, as most do; undefined where it does something else. */
function sleepOf(stop: Cursor): number | undefined {
  if (stop.get("sleep").present) return stop.get("sleep", "seconds").int();
  const words = stop.get("exec", "command");
  const command = words.present ? words.texts().join(" ") : "";
  const seconds = /^(?:(?:\/usr)?(?:\/bin\/)?(?:ba|da)?sh -c )?(?:\/bin\/)?sleep (\d{1,5})s?$/.exec(
    command.trim(),
  )?.[1];
  return seconds === undefined ? undefined : Number(seconds);
}

/** The longest that a pod's containers wait before they are asked to stop. */
export function stopDelay(containers: readonly Cursor[]): number | undefined {
  const delays = containers.flatMap((container) => sleepOf(container.get("lifecycle", "preStop")) ?? []);
  const longest = Math.max(0, ...delays);
  return longest === 0 ? undefined : Math.min(longest, 86_400);
}

function signalOf(at: Cursor, target: (path: string) => string): string | undefined {
  const signal = at.converted(target("kill_signal")).text();
  return signal !== undefined && /^SIG[A-Z0-9]+$/.test(signal) ? signal : undefined;
}
