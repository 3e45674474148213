import { experienceRules } from "./experience-rules";
import { CLUSTER_RULES } from "./cluster-rules";
import { oneOf } from "./names";
import type { Path } from "./problem";
import { REGION_RULES } from "./region-rules";
import { regionsOf, type ConfigFlags } from "./resolve";
import { resolvePort } from "./resolve-experience";
import type { Rule, RuleFinding } from "./rule";
import type { ForgeToml } from "./schema";
import { SERVICE_RULES } from "./service-rules";

/** In the order in which their findings are told of one place. */
const RULES: readonly Rule[] = [
  ...REGION_RULES,
  ...CLUSTER_RULES,
  ...SERVICE_RULES,
  containersNeedNomad,
  staticPortsDoNotCollide,
  minimaFitTheRegion,
  webhooksAreDistinct,
  demoPlaysAnExperience,
  eachExperience,
];

/** @param portOffset what FORGE_PORT_OFFSET says, 0 unless it says something */
export function checkRules(toml: ForgeToml, flags: ConfigFlags, portOffset = 0): readonly RuleFinding[] {
  return RULES.flatMap((rule) => rule(toml, flags, portOffset));
}

function eachExperience(toml: ForgeToml): readonly RuleFinding[] {
  return Object.entries(toml.experiences).flatMap(([id, experience]) =>
    experienceRules(["experiences", id], experience, toml.scaling),
  );
}

function containersNeedNomad(toml: ForgeToml, flags: ConfigFlags): readonly RuleFinding[] {
  return Object.entries(toml.experiences).flatMap(([id, experience]) => {
    const embedded = regionsFor(toml, experience.regions).filter(
      (region) => (flags.engine ?? region.engine) === "embedded",
    );
    if (embedded.length === 0) return [];
    const region = toml.regions.findIndex(({ name }) => name === embedded[0]?.name);
    const about = [["regions", region, "engine"]];
    const problem = `is a container image, which the embedded engine of region ${embedded[0]?.name} cannot run`;
    const fix = 'give a command instead, or list only regions with engine = "nomad" in the experience\'s regions';
    const found: RuleFinding[] = [];
    const path = ["experiences", id];
    if (experience.image !== undefined)
      found.push({ path: [...path, "image"], value: experience.image, problem, fix, about });
    for (const [name, { image }] of Object.entries(experience.roles)) {
      if (image !== undefined)
        found.push({ path: [...path, "roles", name, "image"], value: image, problem, fix, about });
    }
    return found;
  });
}

/** The regions that an experience runs in. */
export function regionsFor(toml: ForgeToml, names: readonly string[]) {
  return regionsOf(toml).filter(({ name }) => names.length === 0 || names.includes(name));
}

interface FixedPort {
  readonly path: Path;
  readonly port: number;
  readonly owner: string;
  readonly regions: readonly string[];
}

function staticPortsDoNotCollide(toml: ForgeToml): readonly RuleFinding[] {
  const fixed = Object.entries(toml.experiences).flatMap(([id, experience]) => {
    const regions = regionsFor(toml, experience.regions).map(({ name }) => name);
    const sets = [
      { path: ["experiences", id], ports: experience.ports, owner: id },
      ...Object.entries(experience.roles).map(([name, { ports }]) => ({
        path: ["experiences", id, "roles", name],
        ports,
        owner: `${id}.${name}`,
      })),
    ];
    return sets.flatMap(({ path, ports, owner }) =>
      Object.entries(ports).flatMap(([name, port]): FixedPort[] => {
        const number = resolvePort(port).static;
        return number === undefined ? [] : [{ path: [...path, "ports", name, "static"], port: number, owner, regions }];
      }),
    );
  });
  return fixed.flatMap((later, index) => {
    const earlier = fixed
      .slice(0, index)
      .find(({ port, regions }) => port === later.port && regions.some((region) => later.regions.includes(region)));
    if (earlier === undefined) return [];
    const region = earlier.regions.find((name) => later.regions.includes(name));
    const problem = `is already the fixed port of ${earlier.owner} in region ${region}`;
    return [
      {
        path: later.path,
        value: later.port,
        problem,
        fix: "choose another, or keep them in different regions",
        about: [earlier.path],
      },
    ];
  });
}

function minimaFitTheRegion(toml: ForgeToml): readonly RuleFinding[] {
  const { min_servers_per_region: least, max_servers_per_region: most } = toml.scaling;
  const path = ["scaling", "max_servers_per_region"];
  const about: Path[] = [["scaling", "min_servers_per_region"]];
  if (least > most) {
    const problem = `is below min_servers_per_region, ${least}`;
    return [{ path, value: most, problem, fix: `write at least ${least}, or lower the minimum`, about }];
  }
  const minimum = ({ kind, scaling }: ForgeToml["experiences"][string], region: string) => {
    const own = Object.hasOwn(scaling.regions, region) ? scaling.regions[region] : undefined;
    const bound = own?.max_servers ?? scaling.max_servers ?? (kind === "world" ? 1 : most);
    return own?.min_servers ?? scaling.min_servers ?? Math.min(least, bound);
  };
  for (const { name } of regionsOf(toml)) {
    const here = Object.values(toml.experiences).filter(
      ({ regions }) => regions.length === 0 || regions.includes(name),
    );
    const sum = here.reduce((total, experience) => total + minimum(experience, name), 0);
    if (sum <= most) continue;
    const problem = `is less than the ${sum} servers that the experiences of region ${name} want at least`;
    return [
      {
        path,
        value: most,
        problem,
        fix: `write at least ${sum}, or set scaling.min_servers of experiences lower`,
        about: [...about, ["experiences"]],
      },
    ];
  }
  return [];
}

function webhooksAreDistinct(toml: ForgeToml): readonly RuleFinding[] {
  return toml.webhooks.flatMap(({ url }, index) => {
    const first = toml.webhooks.findIndex((other) => other.url === url);
    if (first === index) return [];
    const problem = `is already the url of webhooks[${first}], and events would arrive twice`;
    return [
      {
        path: ["webhooks", index, "url"],
        value: url,
        problem,
        fix: "list all events in one [[webhooks]]",
        about: [["webhooks", first, "url"]],
      },
    ];
  });
}

function demoPlaysAnExperience(toml: ForgeToml): readonly RuleFinding[] {
  const name = toml.demo?.experience;
  if (name === undefined || Object.hasOwn(toml.experiences, name)) return [];
  const known = Object.keys(toml.experiences);
  const fix = known.length === 0 ? `add [experiences.${name}]` : oneOf(name, known);
  return [
    {
      path: ["demo", "experience"],
      value: name,
      problem: "is no experience of this file",
      fix,
      about: [["experiences", name]],
    },
  ];
}
