import type { ExperienceConfig } from "../../config/config";
import { applyPolicy, type Fleet } from "./fleet";
import type { CoreSettings } from "./input";
import { startRollout } from "./rollout";
import type { CoreState } from "./state";

/** forge.toml as it is now: what changed there outranks what was put over it by hand. */
export function takeSettings(s: CoreState, settings: CoreSettings): void {
  s.settings = settings;
  const names = new Set([...s.fleets.keys(), ...Object.keys(settings.experiences)]);
  for (const experienceId of names) {
    const fleet = s.fleet(experienceId);
    const before = fleet.config;
    const config = settings.experiences[experienceId] ?? null;
    fleet.config = config;
    if (config && config.version !== before?.version) takeVersion(s, fleet, before, config);
    if (config && JSON.stringify(config.scaling) !== JSON.stringify(before?.scaling)) {
      fleet.policyOverride = {};
      fleet.desired = null;
    }
    applyPolicy(fleet);
    fleet.reviewDue = true;
    // What was wrong with the way it is started may be mended.
    fleet.crash.untilMs = -Infinity;
    fleet.nextEvaluationMs = s.nowMs;
    s.dirty.add(fleet);
  }
  s.keepDue = true;
  s.out.happened("config.changed", "forge.toml was read again", { experiences: Object.keys(settings.experiences) });
}

/** forge.toml names another version: it is rolled out, its canary first. What was there before can be gone back to. */
export function takeVersion(
  s: CoreState,
  fleet: Fleet,
  before: ExperienceConfig | null,
  config: ExperienceConfig,
): void {
  if (before === null || fleet.version === "") {
    fleet.version = config.version;
    return;
  }
  if (before.version === fleet.version) fleet.former = before;
  startRollout(s, fleet, config.version, config.rollout.canaryShare, "forge.toml names this version");
}
