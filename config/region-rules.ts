import { asName, NAME, oneOf } from "./names";
import type { Path } from "./problem";
import { regionsOf, type ConfigFlags } from "./resolve";
import type { Rule, RuleFinding } from "./rule";
import type { ForgeToml } from "./schema";

/** What must hold of regions whatever runs there, and of all that names one. */
export const REGION_RULES: readonly Rule[] = [
  regionNamesAreUnique,
  datacenterNamesTheOnlyRegion,
  chosenRegionsExist,
  embeddedRegionsAreLocal,
  embeddedRegionsHaveOneController,
  regionsOfExperiencesExist,
  regionsOfBoundsExist,
];

function regionNamesAreUnique(toml: ForgeToml): readonly RuleFinding[] {
  return toml.regions.flatMap(({ name }, index) => {
    const first = toml.regions.findIndex((other) => other.name === name);
    if (first === index) return [];
    const path = ["regions", index, "name"];
    const problem = `is already the name of regions[${first}]`;
    return [{ path, value: name, problem, fix: "give each region its own name", about: [["regions", first, "name"]] }];
  });
}

function datacenterNamesTheOnlyRegion(toml: ForgeToml): readonly RuleFinding[] {
  const { datacenter } = toml.nomad;
  if (toml.regions.length > 0 || NAME.test(datacenter) || asName(datacenter) !== undefined) return [];
  const problem = "cannot name the one region of a file without [[regions]]";
  return [{ path: ["nomad", "datacenter"], value: datacenter, problem, fix: 'add [[regions]] with a name: "us-east"' }];
}

function chosenRegionsExist(toml: ForgeToml, flags: ConfigFlags): readonly RuleFinding[] {
  const known = regionsOf(toml).map(({ name }) => name);
  return (flags.regions ?? [])
    .filter((name) => !known.includes(name))
    .map((name) => ({
      path: ["--region"],
      value: name,
      problem: "is no region of this file",
      fix: oneOf(name, known),
    }));
}

function embeddedRegionsAreLocal(toml: ForgeToml, flags: ConfigFlags): readonly RuleFinding[] {
  return toml.regions.flatMap(({ engine, hosts }, index) => {
    if (engine !== "embedded" || flags.engine !== undefined || hosts === undefined || hosts === "local") return [];
    const problem = "does not fit the embedded engine, which runs servers on this machine";
    return [{ path: ["regions", index, "hosts"], value: hosts, problem, fix: 'remove it, or set engine = "nomad"' }];
  });
}

/** Replicas are a matter of Nomad's jobs: here a second controller would be one on paper. */
function embeddedRegionsHaveOneController(toml: ForgeToml, flags: ConfigFlags): readonly RuleFinding[] {
  return toml.regions.flatMap(({ engine, controllers = 1 }, index) => {
    if (engine !== "embedded" || flags.engine !== undefined || controllers === 1) return [];
    return [
      {
        path: ["regions", index, "controllers"],
        value: controllers,
        problem: "is too many: the embedded engine runs one controller, and no other would stand by",
        fix: 'write 1 or remove it; replicas need engine = "nomad" and nodes of their own',
        about: [["regions", index, "engine"]],
      },
    ];
  });
}

function regionsOfExperiencesExist(toml: ForgeToml): readonly RuleFinding[] {
  const known = regionsOf(toml).map(({ name }) => name);
  return Object.entries(toml.experiences).flatMap(([id, { regions }]) =>
    regions.flatMap((name, index) => {
      if (known.includes(name)) return [];
      const path = ["experiences", id, "regions", index];
      return [
        { path, value: name, problem: "is no region of this file", fix: oneOf(name, known), about: regionNames(toml) },
      ];
    }),
  );
}

/** Bounds of a region where the experience does not run would bound nothing. */
function regionsOfBoundsExist(toml: ForgeToml): readonly RuleFinding[] {
  const known = regionsOf(toml).map(({ name }) => name);
  return Object.entries(toml.experiences).flatMap(([id, { regions, scaling }]) =>
    Object.keys(scaling.regions).flatMap((name): RuleFinding[] => {
      const path = ["experiences", id, "scaling", "regions", name];
      if (!known.includes(name)) {
        const problem = "is no region of this file";
        return [{ path, value: undefined, problem, fix: oneOf(name, known), about: regionNames(toml) }];
      }
      if (regions.length === 0 || regions.includes(name)) return [];
      const problem = "is a region that this experience does not run in";
      const fix = `remove it, or add "${name}" to the experience's regions`;
      return [{ path, value: undefined, problem, fix, about: [["experiences", id, "regions"]] }];
    }),
  );
}

/** Where the names of regions stand, the one that a file without [[regions]] might have had included. */
function regionNames(toml: ForgeToml): readonly Path[] {
  return [["regions", 0, "name"], ...toml.regions.map((_, index) => ["regions", index, "name"])];
}
