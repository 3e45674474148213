import { createHash } from "node:crypto";
import type { ForgeConfig } from "./config";
import { orderedJson } from "./ordered-json";

/**
 * What a region is told of forge.toml, as one short text: another one means that there is something to push. Comments,
 * the order of keys, defaults written out and what concerns other regions alone make no difference.
 */
export function configRevision(config: ForgeConfig, region: string): string {
  const { api, scaling, health, experiences, webhooks } = config;
  const told = {
    api,
    scaling,
    health,
    webhooks,
    regions: config.regions.map(({ name, location }) => ({ name, location })),
    own: config.regions.find(({ name }) => name === region),
    experiences: Object.values(experiences).filter(({ regions }) => regions.length === 0 || regions.includes(region)),
  };
  return createHash("sha256").update(orderedJson(told)).digest("hex").slice(0, 16);
}
