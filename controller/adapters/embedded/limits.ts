import { accessSync, constants, readFileSync } from "node:fs";
import { join } from "node:path";
import type { LimitsDescription } from "./root-protocol";

/**
 * What keeps a server within the CPU and memory it asked for.
 *
 * CPU is a share, as in Nomad's default: 1000 MHz weigh as much as one ordinary process (1024 shares in version 1 of
 * control groups, weight 100 in version 2). There is no hard cap: it would delay a game's tick while cores are idle.
 * Memory is a hard limit by control group; where none may be made, root looks each second and kills what is over it.
 *
 * Groups are only made below the group that Forge itself runs in, so whoever put a limit on Forge keeps it; and below
 * that one only where nobody else arranged it (it is the root of the hierarchy) or FORGE_CGROUP says so:
 * `self` (this group was made for Forge, as by `systemd-run --user --scope -p Delegate=yes`), or a group's folder; in
 * version 1 one for each hierarchy, with colons between.
 */
export interface LimitsPlan {
  readonly cpu: ResourcePlan;
  readonly memory: ResourcePlan;
  /** Version 2, FORGE_CGROUP=self: the processes in the group must first go into one below it. */
  readonly vacate: boolean;
}

export type ResourcePlan =
  | { readonly by: "group"; readonly version: 1 | 2; readonly folder: string }
  | { readonly by: "nothing"; readonly why: string };

/** The machine as far as a plan depends on it. */
export interface LimitsMachine {
  readonly platform: string;
  /** The value of FORGE_CGROUP. */
  readonly wanted: string | undefined;
  /** A file's text; undefined where it cannot be read. */
  read(file: string): string | undefined;
  writable(folder: string): boolean;
}

export const thisMachine: LimitsMachine = {
  platform: process.platform,
  wanted: process.env.FORGE_CGROUP,
  read: (file) => {
    try {
      return readFileSync(file, "utf8");
    } catch {
      return undefined;
    }
  },
  writable: (folder) => {
    try {
      accessSync(folder, constants.W_OK);
      return true;
    } catch {
      return false;
    }
  },
};

const REMEDY =
  "start Forge under `systemd-run --user --scope -p Delegate=yes` with FORGE_CGROUP=self, or name a group's folder in FORGE_CGROUP";

/** Looks, changes nothing. What a plan says may still fail when it is tried; root then says so in its own description. */
export function planLimits(machine: LimitsMachine = thisMachine): LimitsPlan {
  const cpu = planResource("cpu", machine);
  const memory = planResource("memory", machine);
  const version2 = [cpu, memory].some((plan) => plan.by === "group" && plan.version === 2);
  return { cpu, memory, vacate: version2 && machine.wanted === "self" };
}

/** What servers on this machine can be held to, in words. */
export function describeLimits(machine: LimitsMachine = thisMachine): LimitsDescription {
  return describePlan(planLimits(machine), machine.platform);
}

/** The same in fewer words, for who only wants to play: without what to do about it. */
export function briefly({ detail }: LimitsDescription): string {
  return detail.replaceAll(`; ${REMEDY}`, " (`forge doctor` says what helps)");
}

export function describePlan(plan: LimitsPlan, platform: string): LimitsDescription {
  const watched = platform === "linux";
  return {
    cpu: plan.cpu.by === "group",
    memory: plan.memory.by === "group" || watched,
    detail: `CPU: ${cpuWords(plan.cpu)}. Memory: ${memoryWords(plan.memory, watched)}.`,
  };
}

function cpuWords(plan: ResourcePlan): string {
  if (plan.by === "nothing") return `not limited, ${plan.why}`;
  return `shares by control group version ${plan.version} below ${plan.folder}, no hard cap`;
}

function memoryWords(plan: ResourcePlan, watched: boolean): string {
  if (plan.by === "group") return `limited by control group version ${plan.version} below ${plan.folder}`;
  return watched ? `looked at each second and killed when over its limit, ${plan.why}` : `not limited, ${plan.why}`;
}

type Resource = "cpu" | "memory";

function planResource(resource: Resource, machine: LimitsMachine): ResourcePlan {
  if (machine.platform !== "linux") return nothing(`control groups are Linux's and this is ${machine.platform}`);
  const hierarchy = findHierarchy(resource, machine);
  if (hierarchy === undefined) return nothing(`no control group hierarchy with ${resource} is mounted`);
  const folder = chooseFolder(hierarchy, resource, machine);
  if (typeof folder !== "string") return folder;
  if (!machine.writable(folder)) return nothing(`${folder} is not writable for this user; ${REMEDY}`);
  return { by: "group", version: hierarchy.version, folder };
}

function nothing(why: string): ResourcePlan {
  return { by: "nothing", why };
}

function chooseFolder(hierarchy: Hierarchy, resource: Resource, machine: LimitsMachine): string | ResourcePlan {
  const { wanted } = machine;
  if (wanted?.startsWith("/")) {
    const inside = (folder: string): boolean => folder === hierarchy.mount || folder.startsWith(`${hierarchy.mount}/`);
    return wanted.split(":").find(inside) ?? nothing(`FORGE_CGROUP is ${wanted}, which is not in ${hierarchy.mount}`);
  }
  if (hierarchy.own === undefined) return nothing(`the ${resource} group that Forge runs in is not known`);
  const own = hierarchy.own === "/" ? hierarchy.mount : join(hierarchy.mount, hierarchy.own);
  if (wanted === "self" || hierarchy.own === "/") return own;
  return nothing(`something else put Forge into the group ${hierarchy.own}; ${REMEDY}`);
}

interface Hierarchy {
  readonly version: 1 | 2;
  readonly mount: string;
  /** The group of this process, as seen from `mount`. */
  readonly own: string | undefined;
}

function findHierarchy(resource: Resource, machine: LimitsMachine): Hierarchy | undefined {
  const mounts = (machine.read("/proc/mounts") ?? "").split("\n").map((line) => line.split(" "));
  const groups = (machine.read("/proc/self/cgroup") ?? "").split("\n").map((line) => line.split(":"));
  for (const [, mount = "", type, options = ""] of mounts) {
    if (type === "cgroup" && options.split(",").includes(resource)) {
      const own = groups.find(([, controllers = ""]) => controllers.split(",").includes(resource));
      return { version: 1, mount, own: own?.slice(2).join(":") };
    }
    if (type === "cgroup2" && hasController(join(mount, "cgroup.controllers"), resource, machine)) {
      const own = groups.find(([number, controllers]) => number === "0" && controllers === "");
      return { version: 2, mount, own: own?.slice(2).join(":") };
    }
  }
  return undefined;
}

function hasController(file: string, resource: Resource, machine: LimitsMachine): boolean {
  return (machine.read(file) ?? "").trim().split(/\s+/).includes(resource);
}
