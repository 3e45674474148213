import type { ExperienceConfig, ForgeConfig, RegionConfig } from "../../config/config";
import { findTaskProgram, type LookupPlace } from "../../controller/adapters/embedded/program-lookup";
import { errorMessage } from "../error-code";
import { BASE_PORT } from "../up/run-plan";
import type { Check, Machine } from "./check";

export interface ConfigPlace {
  /** Where commands of forge.toml are looked up. */
  readonly lookup: LookupPlace;
  /** Ports that this folder's own run listens on. */
  readonly ownPorts: ReadonlySet<number>;
}

/** Whether this machine has what a forge.toml asks for. */
export async function configChecks(
  config: ForgeConfig,
  place: ConfigPlace,
  machine: Machine,
): Promise<readonly Check[]> {
  const embedded = config.regions.filter(({ engine }) => engine === "embedded");
  const clusters = config.regions.filter(({ engine }) => engine === "nomad");
  return [
    ...(embedded.length === 0 ? [] : [await portsCheck(embedded, place.ownPorts, machine)]),
    ...Object.values(config.experiences)
      .filter((experience) => embedded.some(({ name }) => runsIn(experience, name)))
      .flatMap((experience) => programChecks(experience, place.lookup)),
    ...(await Promise.all(clusters.map((region) => nomadCheck(region, machine)))),
  ];
}

function runsIn({ regions }: ExperienceConfig, region: string): boolean {
  return regions.length === 0 || regions.includes(region);
}

/** One line an experience: its own program's and those of its roles. */
function programChecks(experience: ExperienceConfig, lookup: LookupPlace): readonly Check[] {
  const tasks = [{ ...experience, name: experience.id }, ...experience.roles];
  const found = tasks.map((task) => {
    try {
      const { name, command, image, driver, args, env, cpu, memory } = task;
      const program = findTaskProgram({ name, command, image, driver, args, env, cpu, memory }, lookup);
      return { ok: true as const, file: [program.command, ...program.before].join(" ") };
    } catch (error) {
      return { ok: false as const, problem: errorMessage(error) };
    }
  });
  const name = `program of ${experience.id}`;
  const problems = found.flatMap((each) => (each.ok ? [] : [each.problem]));
  if (problems.length > 0) {
    const fix = `install it, or change command of experiences.${experience.id} in forge.toml`;
    return [{ name, status: "problem", detail: problems.join("; "), fix }];
  }
  const files = new Set(found.flatMap((each) => (each.ok ? [each.file] : [])));
  return [{ name, status: "ok", detail: [...files].join(", ") }];
}

async function portsCheck(
  regions: readonly RegionConfig[],
  own: ReadonlySet<number>,
  machine: Machine,
): Promise<Check> {
  const ports = regions.map((_region, index) => BASE_PORT + index);
  const free = await Promise.all(ports.map(async (port) => own.has(port) || (await machine.isPortFree(port))));
  const taken = ports.filter((_port, index) => free[index] === false);
  const range = ports.length === 1 ? `${BASE_PORT}` : `${BASE_PORT} to ${ports.at(-1)}`;
  const name = "ports of controllers";
  const held = ports.some((port) => own.has(port)) ? ", held by this folder's run" : "";
  if (taken.length === 0) return { name, status: "ok", detail: `${range}${held === "" ? " are free" : held}` };
  const detail = `${taken.join(" and ")} of ${range} ${taken.length === 1 ? "is" : "are"} taken by another program`;
  return { name, status: "limited", detail, fix: "start with `forge up --port N`, where N and the next are free" };
}

async function nomadCheck({ name, nomad }: RegionConfig, machine: Machine): Promise<Check> {
  const url = `${nomad.address.replace(/\/+$/, "")}/v1/status/leader`;
  const check = { name: `Nomad of ${name}` };
  if (await machine.answers(url)) return { ...check, status: "ok", detail: nomad.address };
  const fix = 'start it, correct regions.nomad.address, or use engine = "embedded"';
  return { ...check, status: "problem", detail: `nothing answers at ${nomad.address}`, fix };
}
