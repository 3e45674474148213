import { NAME } from "../config/names";

/**
 * Names that stacks and controller both derive from forge.toml. Region, experience and role names hold no dot, so the
 * dots keep any two of these apart.
 */

/** The parameterized job of an experience's servers in a region. */
export function gameServerJobId(region: string, experienceId: string): string {
  return [checked(region), "gameserver", checked(experienceId)].join(".");
}

/** The parameterized job of a fleet role's servers in a region. */
export function fleetRoleJobId(region: string, experienceId: string, role: string): string {
  return [gameServerJobId(region, experienceId), checked(role)].join(".");
}

/** The host volume that keeps a world's data in a region. */
export function worldVolumeName(region: string, experienceId: string, volume: string): string {
  return [checked(region), checked(experienceId), checked(volume)].join(".");
}

function checked(name: string): string {
  if (NAME.test(name)) return name;
  throw new RangeError(
    `"${name}" is not a name that jobs can carry: lower-case letters, digits and hyphens, at most 32`,
  );
}
