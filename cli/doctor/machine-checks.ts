import { formatBytes } from "../format";
import type { Check, Machine } from "./check";

/** The oldest Node that Forge's programs run on. */
const LEAST_NODE = [20, 18] as const;

/** Programs of others that Forge works with, and what each is for. */
const PROGRAMS: readonly { readonly names: readonly string[]; readonly for: string }[] = [
  { names: ["minetestserver", "luantiserver", "luanti"], for: "the template luanti: a world that is kept" },
];

const DOCKER_SOCKET = "/var/run/docker.sock";

/** What does not depend on any forge.toml. */
export function machineChecks(machine: Machine): readonly Check[] {
  return [
    nodeCheck(machine),
    sizeCheck(machine),
    limitsCheck(machine),
    ...PROGRAMS.map((program) => programCheck(program, machine)),
    dockerCheck(machine),
  ];
}

function nodeCheck({ nodeVersion }: Machine): Check {
  const [major = 0, minor = 0] = nodeVersion.split(".").map(Number);
  const [leastMajor, leastMinor] = LEAST_NODE;
  const ok = major > leastMajor || (major === leastMajor && minor >= leastMinor);
  const least = LEAST_NODE.join(".");
  if (ok) return { name: "node", status: "ok", detail: nodeVersion };
  return {
    name: "node",
    status: "problem",
    detail: `${nodeVersion} is older than ${least}`,
    fix: `install Node ${least} or newer`,
  };
}

function sizeCheck({ cores, memoryBytes }: Machine): Check {
  return { name: "machine", status: "ok", detail: `${cores} cores, ${formatBytes(memoryBytes)} of memory` };
}

function limitsCheck(machine: Machine): Check {
  const { cpu, memory, detail } = machine.limits();
  const status = cpu && memory ? "ok" : "limited";
  return { name: "limits of servers", status, detail };
}

function programCheck(program: (typeof PROGRAMS)[number], machine: Machine): Check {
  const name = program.names.slice(0, 2).join(" or ");
  const found = program.names.map((each) => machine.find(each)).find((file) => file !== undefined);
  const detail = `${found ?? "not installed"}; ${program.for}`;
  return { name, status: found === undefined ? "absent" : "ok", detail };
}

function dockerCheck(machine: Machine): Check {
  const what = 'regions with engine = "nomad" whose experiences have an image';
  const file = machine.find("docker");
  if (file === undefined) return { name: "docker", status: "absent", detail: `not installed; ${what}` };
  if (machine.exists(DOCKER_SOCKET)) return { name: "docker", status: "ok", detail: `${file}; ${what}` };
  return { name: "docker", status: "absent", detail: `${file}, but no daemon at ${DOCKER_SOCKET}; ${what}` };
}
