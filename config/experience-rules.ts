import { isReadable } from "./version-range";
import type { ExperienceToml } from "./experience-schema";
import { countRules } from "./count-rules";
import { healthRules, sdkRules } from "./health-rules";
import { portRules } from "./port-rules";
import type { Path } from "./problem";
import { driverOf } from "./resolve-experience";
import { rolloutRules } from "./rollout-rules";
import { routingRules } from "./routing-rules";
import type { RuleFinding } from "./rule";
import { chainRules } from "./scaling-rules";
import type { ForgeToml } from "./schema";

/** What must hold between the keys of one experience. `at` is where it stands in the file. */
export function experienceRules(
  at: Path,
  experience: ExperienceToml,
  scaling: ForgeToml["scaling"],
): readonly RuleFinding[] {
  return [
    ...programRules(at, experience),
    ...clientRules(at, experience),
    ...Object.entries(experience.roles).flatMap(([name, role]) => roleRules([...at, "roles", name], name, role)),
    ...resourceRules(at, experience),
    ...sdkRules(at, experience),
    ...healthRules(at, experience),
    ...worldRules(at, experience),
    ...scalingRules(at, experience, scaling),
    ...chainRules(at, experience),
    ...routingRules(at, experience),
    ...rolloutRules(at, experience),
    ...environmentRules(at, experience),
    ...portRules(at, experience),
    ...countRules(at, experience),
  ];
}

function clientRules(at: Path, { clients }: ExperienceToml): readonly RuleFinding[] {
  if (clients === undefined || isReadable(clients)) return [];
  const fix = 'write one version, "1.4.2", or a range: "^1.4", "1.x", ">=1.4 <2", "1.4 - 1.6", several joined by "||"';
  return [{ path: [...at, "clients"], value: clients, problem: "is no version and no range of versions", fix }];
}

type Program = Pick<ExperienceToml, "image" | "command" | "driver">;

/** One of image and command, and a driver that can run it. */
function programRules(at: Path, program: Program): readonly RuleFinding[] {
  const { image, command } = program;
  const about = [
    [...at, "image"],
    [...at, "command"],
  ];
  if (image === undefined && command === undefined) {
    const fix = 'add command = "…" with args, or image = "…"';
    return [{ path: at, value: undefined, problem: "says nothing to run", fix, about }];
  }
  if (image !== undefined && command !== undefined) {
    const fix = "keep one of them; arguments for an image's own entry point go into args";
    return [{ path: [...at, "command"], value: command, problem: "cannot stand beside image", fix, about }];
  }
  const driver = driverOf(program);
  if ((driver === "docker") === (image !== undefined)) return [];
  const path = [...at, "driver"];
  return image === undefined
    ? [
        {
          path,
          value: driver,
          problem: "needs an image, and there is a command",
          fix: 'use "exec", "raw_exec" or "java", or give an image',
          about,
        },
      ]
    : [
        {
          path,
          value: driver,
          problem: "needs a command, and there is an image",
          fix: 'use "docker" or remove driver',
          about,
        },
      ];
}

function roleRules(at: Path, name: string, role: ExperienceToml["roles"][string]): readonly RuleFinding[] {
  const found = [...programRules(at, role)];
  if (role.per === "server" && role.count !== 1) {
    const problem = 'is only for per = "fleet": beside each server runs one';
    found.push({ path: [...at, "count"], value: role.count, problem, fix: "remove it", about: [[...at, "per"]] });
  }
  if (name === "server") {
    const problem = "is the name of the experience's own server";
    found.push({ path: at, value: undefined, problem, fix: "choose another name for the role: physics, ai" });
  }
  return found;
}

function resourceRules(at: Path, { cpu, cores }: ExperienceToml): readonly RuleFinding[] {
  if (cpu === undefined || cores === undefined) return [];
  return [
    {
      path: [...at, "cores"],
      value: cores,
      problem: "cannot stand beside cpu",
      fix: "keep cpu (MHz) or cores (whole ones)",
      about: [[...at, "cpu"]],
    },
  ];
}

/** A world is one server a region with what it keeps; a match keeps nothing. */
function worldRules(at: Path, { kind, scaling, volumes }: ExperienceToml): readonly RuleFinding[] {
  const about = [[...at, "kind"]];
  if (kind === "match") {
    if (Object.keys(volumes).length === 0) return [];
    const problem = "are for worlds: servers of a match come and go and keep nothing";
    return [{ path: [...at, "volumes"], value: volumes, problem, fix: 'remove them, or set kind = "world"', about }];
  }
  return (["min_servers", "max_servers"] as const).flatMap((key) => {
    const value = scaling[key];
    if (value === undefined || value <= 1) return [];
    return [
      {
        path: [...at, "scaling", key],
        value,
        problem: "is too many: a world has one server a region",
        fix: "write 1, or describe each world as an experience of its own",
        about,
      },
    ];
  });
}

const THRESHOLDS = ["target_cpu", "scale_up_threshold", "scale_down_threshold"];

function scalingRules(at: Path, experience: ExperienceToml, region: ForgeToml["scaling"]): readonly RuleFinding[] {
  const { scaling } = experience;
  const path = [...at, "scaling"];
  const found: RuleFinding[] = [];
  const { min_servers: least, max_servers: most } = scaling;
  // A maximum above the region's is no problem: the region's bounds the sum of what runs.
  if (least !== undefined && most !== undefined && least > most && experience.kind === "match") {
    found.push({
      path: [...path, "min_servers"],
      value: least,
      problem: `is above max_servers, ${most}`,
      fix: `write at most ${most}, or raise the maximum`,
      about: [[...path, "max_servers"]],
    });
  }
  const up = scaling.scale_up_threshold ?? scaling.target_cpu ?? region.target_cpu_utilization;
  const down = scaling.scale_down_threshold ?? up / 2;
  if (down >= up && up > 0) {
    const key = scaling.scale_down_threshold === undefined ? "scale_up_threshold" : "scale_down_threshold";
    found.push({
      path: [...path, key],
      value: scaling[key],
      problem: `scales down at ${down} and up at ${up}, so servers would come and go for ever`,
      fix: `write scale_down_threshold below ${up}; half of it is usual`,
      about: [...THRESHOLDS.map((name) => [...path, name]), ["scaling", "target_cpu_utilization"]],
    });
  }
  if (scaling.target_players !== undefined && scaling.target_players > experience.max_players) {
    found.push({
      path: [...path, "target_players"],
      value: scaling.target_players,
      problem: `is above max_players, ${experience.max_players}, and would never be reached`,
      fix: `write at most ${experience.max_players}`,
      about: [[...at, "max_players"]],
    });
  }
  return found;
}

/** `FORGE_…` is Forge's own. */
function environmentRules(at: Path, experience: ExperienceToml): readonly RuleFinding[] {
  const tables = [
    { path: [...at, "env"], env: experience.env },
    ...Object.entries(experience.roles).map(([name, { env }]) => ({ path: [...at, "roles", name, "env"], env })),
  ];
  return tables.flatMap(({ path, env }) =>
    Object.keys(env)
      .filter((name) => name.startsWith("FORGE_"))
      .map((name) => ({
        path: [...path, name],
        value: env[name],
        problem: "is a name that Forge sets itself",
        fix: "choose a name without FORGE_ in front",
      })),
  );
}
