import type { ExperienceConfig, ForgeConfig } from "../config/config";
import type { CoreSettings } from "./core/input";

/** Seconds that a granted seat waits for its player; DESIGN: tickets and leases. */
const LEASE_SECS = 30;
/** An agent silent for so long makes its servers suspect; DESIGN: unreachable is not dead. */
const SUSPECT_AFTER_SECS = 3;
/** The document's scaling algorithm collects metrics every 10 seconds. */
const SCALING_INTERVAL_SECS = 10;

/** What forge.toml says for one region, as its core decides by it. @throws RangeError where the region is not in the file. */
export function coreSettings(config: ForgeConfig, regionName: string): CoreSettings {
  const region = config.regions.find(({ name }) => name === regionName);
  if (!region)
    throw new RangeError(
      `forge.toml has no region "${regionName}"; it has ${config.regions.map(({ name }) => name).join(", ")}`,
    );
  return {
    region: region.name,
    location: region.location,
    regionLocations: Object.fromEntries(
      config.regions.flatMap(({ name, location }) => (location ? [[name, location]] : [])),
    ),
    scaling: config.scaling,
    health: config.health,
    experiences: Object.fromEntries(
      Object.entries(config.experiences)
        .filter(([, { regions }]) => regions.length === 0 || regions.includes(region.name))
        .map(([id, experience]) => [id, withBounds(experience, region.name)]),
    ),
    leaseSecs: LEASE_SECS,
    suspectAfterSecs: SUSPECT_AFTER_SECS,
    scalingIntervalSecs: SCALING_INTERVAL_SECS,
    publicAddress: region.publicAddress,
  };
}

/** With the bounds that the experience has in this region. */
function withBounds(experience: ExperienceConfig, region: string): ExperienceConfig {
  const bounds = experience.scalingIn?.[region];
  if (!bounds) return experience;
  const { scaling } = experience;
  const { minServers = scaling.minServers, maxServers = scaling.maxServers } = bounds;
  return { ...experience, scaling: { ...scaling, minServers, maxServers } };
}
