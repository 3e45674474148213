import type { Cursor } from "../ledger/claims";
import type { Resources } from "../model/nomad-job";
import type { PodContext } from "./pod-context";
import { mebibytes, quantity, wholeUp } from "./quantity";

/** A container's requests and limits as what Nomad gives a task. @param notes told of what was chosen for it */
export function resourcesOf(
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
    cpu: cores === undefined ? answers.default_cpu : Math.max(1, wholeUp(Math.min(cores, 1e5) * answers.mhz_per_core)),
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
