import type { Cursor } from "../ledger/claims";
import type { Code } from "../ledger/codes";
import type { ConfigValue, NomadTask, Resources } from "../model/nomad-job";
import { environmentOf, REFERENCE } from "./environment";
import { grantName, type PodContext, taskTarget } from "./pod-context";
import { mebibytes, quantity } from "./quantity";
import { standInOf, standInTask } from "./stand-in";
import { isComposed } from "./table";
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

/** `command` and `args`; the driver's own `command` would be put behind the image's entry point. */
function programOf(
  container: Cursor,
  names: ReadonlySet<string>,
  target: (path: string) => string,
): Record<string, ConfigValue> {
  const config: Record<string, ConfigValue> = {};
  for (const [field, key] of [
    ["command", "entrypoint"],
    ["args", "args"],
  ] as const) {
    const words = container.get(field);
    words.converted(target(`config.${key}`));
    if (!words.present) continue;
    config[key] = words.items().map((word) => {
      const text = word.text() ?? "";
      const { replaced, hasVariable } = argument(text, names);
      if (hasVariable) word.note("argumentVariable", target(`config.${key}`));
      if (!isComposed(text)) word.note("composed", target(`config.${key}`));
      return replaced;
    });
  }
  return config;
}

/**
 * A word of a program as the driver's configuration has it: `$(NAME)` of a known variable is `${NAME}`, which Nomad replaces from
 * the task's environment, `$$` is `$`, and all else means itself.
 */
export function argument(text: string, names: ReadonlySet<string>): { replaced: string; hasVariable: boolean } {
  let replaced = "";
  let literal = "";
  let rest = 0;
  let hasVariable = false;
  for (const match of text.matchAll(REFERENCE)) {
    const [whole, name] = match;
    literal += text.slice(rest, match.index);
    rest = match.index + whole.length;
    if (name === undefined) literal += "$";
    else if (names.has(name)) {
      // What is replaced must not come to stand within an escape: `$` and `${NAME}` would be one.
      replaced += driverText(literal).replace(/[$%]$/, (last) => `\${"${last}"}`);
      replaced += /^[A-Za-z_]\w*$/.test(name) ? `\${${name}}` : `\${env[${JSON.stringify(name)}]}`;
      literal = "";
      hasVariable = true;
    } else literal += whole;
  }
  return { replaced: replaced + driverText(literal + text.slice(rest)), hasVariable };
}

/** Text that means itself in a driver's configuration: on the node, Nomad reads each text of it as a template of HCL. */
function driverText(text: string): string {
  return text.replace(/\$\{|%\{/g, (opening) => `${opening[0] ?? ""}${opening}`);
}

/** The same for all texts within. */
function driverLiteral(value: unknown): unknown {
  if (typeof value === "string") return driverText(value);
  if (Array.isArray(value)) return value.map(driverLiteral);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, driverLiteral(each)]));
}

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
      profile.note(profile.get("type").text() === "RuntimeDefault" ? "runtimeDefault" : "localProfile");
    }
    security.get("seLinuxOptions").note("seLinux");
    security.get("windowsOptions").note("windows");
    security.get("runAsNonRoot").note("runAsNonRoot");
  }
  if (options.length > 0) config["security_opt"] = options;
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

function resourcesOf(
  container: Cursor,
  target: (path: string) => string,
  { answers }: PodContext,
  notes: string[],
): Resources {
  const resources = container.get("resources");
  resources.get("claims").note("deviceClaim");
  const read = (kind: string, name: string): number | undefined => {
    const value = resources.get(kind, name).intOrText();
    const amount = value === undefined ? undefined : quantity(value);
    if (value !== undefined && amount === undefined) resources.get(kind, name).note("wrongType");
    return amount;
  };
  const [cpu, cpuLimit, memory, memoryLimit] = [
    read("requests", "cpu"),
    read("limits", "cpu"),
    read("requests", "memory"),
    read("limits", "memory"),
  ];
  resources.get("requests", "cpu").note("cpuInMhz", target("resources.cpu"));
  resources.get("limits", "cpu").note(cpu === undefined ? "cpuInMhz" : "cpuLimit", target("resources.cpu"));
  resources
    .get("requests", "memory")
    .note(memoryLimit === undefined ? "memoryIsLimit" : "converted", target("resources.memory"));
  resources
    .get("limits", "memory")
    .note(
      memory !== undefined && !answers.memory_oversubscription ? "memoryNoBurst" : "converted",
      target(memory === undefined ? "resources.memory" : "resources.memory_max"),
    );
  const cores = cpu ?? cpuLimit;
  const size = memory ?? memoryLimit;
  if (cores === undefined) notes.push(`It asked for no CPU: ${answers.default_cpu} MHz by the answers' default_cpu.`);
  if (size === undefined) {
    notes.push(
      `It asked for no memory: ${answers.default_memory} MiB by the answers' default_memory, and killed beyond it.`,
    );
  }
  const least = size === undefined ? answers.default_memory : mebibytes(size);
  const most = memoryLimit === undefined ? undefined : mebibytes(memoryLimit);
  return {
    cpu:
      cores === undefined ? answers.default_cpu : Math.max(1, Math.ceil(Math.min(cores, 1e5) * answers.mhz_per_core)),
    memory: Math.min(least, MOST_MEMORY),
    ...(most !== undefined && most > least && answers.memory_oversubscription
      ? { memoryMax: Math.min(most, MOST_MEMORY) }
      : {}),
    devices: devicesOf(resources, target),
  };
}

/** MiB; more than any machine has, and what Nomad's numbers hold. */
const MOST_MEMORY = 2 ** 30;

function devicesOf(resources: Cursor, target: (path: string) => string): Resources["devices"] {
  const devices = new Map<string, number>();
  for (const kind of ["limits", "requests"]) {
    for (const [name, value] of resources.get(kind).entries()) {
      if (name === "cpu" || name === "memory") continue;
      if (name === "ephemeral-storage") value.note("ephemeralStorage");
      else if (name === "nvidia.com/gpu") {
        value.note("gpu", target("resources.device"));
        const count = quantity(value.intOrText() ?? 0) ?? 0;
        if (count >= 1) devices.set("nvidia/gpu", Math.min(Math.ceil(count), 1024));
      } else value.note("extendedResource");
    }
  }
  return [...devices].map(([name, count]) => ({ name, count }));
}
