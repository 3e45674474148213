import type { Command } from "./input";
import { applyPolicy, type Fleet } from "./fleet";
import { keepDrain } from "./drain-mark";
import { setDrain } from "./move-out";
import { problem } from "./outbox";
import type { FleetPolicy } from "./resources";
import { experienceNames } from "./session-commands";
import { answerKept } from "./kept-fleets";
import { promote, rollBack, setPaused, startRollout } from "./rollout";
import type { CoreState } from "./state";
import { whyNotDefragmented } from "../../config/defragment-rule";
import { isRange } from "../../config/version-range";
import { fleetView, regionView, summaryView } from "./views";

type Of<T extends Command["type"]> = Extract<Command, { type: T }>;

export function listFleets(s: CoreState, requestId: number): void {
  const fleets = [...s.fleets.values()].filter(({ config, servers }) => config !== null || servers.size > 0);
  s.out.reply(
    requestId,
    fleets.map((fleet) => fleetView(s, fleet)),
  );
}

export function getFleet(s: CoreState, requestId: number, { experienceId }: Of<"getFleet">): void {
  const fleet = known(s, requestId, experienceId);
  if (fleet) s.out.reply(requestId, fleetView(s, fleet));
}

const LEARNING = problem("unavailable", "the controller is learning what was decided before it led; ask again", {
  retryAfterSecs: 1,
});

/** Live policy: what is given replaces what forge.toml says, at once; the rest stays. */
export function putFleet(s: CoreState, requestId: number, command: Of<"putFleet">): void {
  const { experienceId, version, desired, policy, canary, rollout } = command;
  const fleet = known(s, requestId, experienceId);
  if (!fleet) return;
  if (s.kept === "awaited") return s.out.refuse(requestId, LEARNING);
  const merged = { ...fleet.policyOverride, ...policy };
  const why = whyNotPolicy(fleet, merged, desired) ?? whyNotRollout(fleet, command);
  if (why !== null) return s.out.refuse(requestId, problem("invalid", why));
  fleet.policyOverride = merged;
  if (desired !== undefined) fleet.desired = desired === 0 ? null : desired;
  changeRollout(s, fleet, command);
  applyPolicy(fleet);
  fleet.nextEvaluationMs = s.nowMs;
  fleet.crash.untilMs = -Infinity;
  s.dirty.add(fleet);
  s.out.happened("config.changed", `fleet ${experienceId} was changed`, {
    experienceId,
    ...(version === undefined ? {} : { version }),
    ...(canary === undefined ? {} : { canary }),
    ...(rollout === undefined ? {} : { rollout }),
    ...(desired === undefined ? {} : { desired }),
    ...(policy ? { policy } : {}),
  });
  answerKept(s, requestId, fleet);
}

function whyNotPolicy(fleet: Fleet, override: Partial<FleetPolicy>, desired: number | undefined): string | null {
  const merged = { ...fleet.policy, ...override };
  const counts = { minServers: merged.minServers, maxServers: merged.maxServers, desired: desired ?? 0 };
  for (const [name, value] of Object.entries(counts)) {
    if (!Number.isInteger(value) || value < 0) return `${name} is a whole number from 0, not ${String(value)}`;
  }
  const positive = {
    targetCpu: merged.targetCpu,
    targetPlayers: merged.targetPlayers,
    scaleUpThreshold: merged.scaleUpThreshold,
  };
  for (const [name, value] of Object.entries(positive))
    if (!(value > 0)) return `${name} is above 0, not ${String(value)}`;
  const secs = {
    scaleUpCooldownSecs: merged.scaleUpCooldownSecs,
    scaleDownCooldownSecs: merged.scaleDownCooldownSecs,
    scaleDownThreshold: merged.scaleDownThreshold,
  };
  for (const [name, value] of Object.entries(secs))
    if (!(value >= 0)) return `${name} is at least 0, not ${String(value)}`;
  const chain = whyNotChain(fleet, override.chain ?? []);
  if (chain !== null) return chain;
  const { defragment } = override;
  const moves = defragment && fleet.config ? whyNotDefragmented(defragment, fleet.config) : undefined;
  if (moves) return `defragment ${JSON.stringify(defragment)} ${moves.problem}`;
  if (merged.minServers > merged.maxServers)
    return `minServers (${String(merged.minServers)}) is above maxServers (${String(merged.maxServers)})`;
  if ((desired ?? 0) > merged.maxServers)
    return `desired (${String(desired)}) is above maxServers (${String(merged.maxServers)})`;
  if (merged.scaleDownThreshold > merged.scaleUpThreshold)
    return `scaleDownThreshold (${String(merged.scaleDownThreshold)}) is above scaleUpThreshold (${String(merged.scaleUpThreshold)})`;
  if (
    fleet.config?.kind === "world" &&
    (override.minServers !== undefined || override.maxServers !== undefined || (desired ?? 1) > 1)
  )
    return `${fleet.id} is a world: it always has exactly one server`;
  return null;
}

const CHAIN_KINDS = ["buffer", "counter", "list", "webhook"] as const;

/** What the schema of the call cannot know. */
function whyNotChain({ config }: Fleet, chain: FleetPolicy["chain"]): string | null {
  const kept = JSON.stringify(config?.scaling.chain.flatMap(({ webhook }) => webhook ?? []) ?? []);
  for (const [index, entry] of chain.entries()) {
    const name = `chain[${String(index)}]`;
    const kinds = CHAIN_KINDS.filter((kind) => entry[kind] !== undefined);
    if (kinds.length !== 1) return `${name} has one of ${CHAIN_KINDS.join(", ")}, not ${kinds.join(" and ") || "none"}`;
    const { counter, list, webhook } = entry;
    if (counter && !Object.hasOwn(config?.counters ?? {}, counter.key))
      return `${name}: ${counter.key} is no counter of ${config?.id ?? ""}`;
    if (list && !Object.hasOwn(config?.lists ?? {}, list.key))
      return `${name}: ${list.key} is no list of ${config?.id ?? ""}`;
    // A call must not choose where controllers send what they know, nor which secret they sign with.
    if (webhook && !kept.includes(JSON.stringify(webhook)))
      return `${name}: forge.toml has no such webhook, and calls cannot add any`;
  }
  return null;
}

function whyNotRollout(fleet: Fleet, { version, canary, rollout }: Of<"putFleet">): string | null {
  if (version !== undefined && (version.length === 0 || version.length > 128)) return "version has 1 to 128 characters";
  if (version !== undefined && isRange(version))
    return `version names the one that new servers run, and ${version} is a range`;
  if (rollout !== undefined && (version !== undefined || canary !== undefined))
    return "rollout stands alone: it says what becomes of the version that is being taken in";
  if (rollout !== undefined && !fleet.rollout)
    return `${fleet.id} is taking no version in: all its new servers run ${fleet.version}`;
  if (rollout === "promote" && fleet.rollout?.share === 1) return `${fleet.rollout.to} is no canary any more`;
  if (canary === undefined) return null;
  if (!(canary > 0 && canary < 1)) return `canary is a share above 0 and below 1, not ${String(canary)}`;
  if (fleet.config?.kind === "world") return `${fleet.id} is a world: its one server runs one version`;
  if (version === undefined && (fleet.rollout?.share ?? 1) === 1)
    return `${fleet.id} has no canary: give its version too`;
  if (version === fleet.version) return `${fleet.id} runs version ${version} already`;
  return null;
}

function changeRollout(s: CoreState, fleet: Fleet, { version, canary, rollout }: Of<"putFleet">): void {
  const reason = "asked for";
  switch (rollout) {
    case "promote":
      return promote(s, fleet, reason);
    case "pause":
      return setPaused(s, fleet, true, reason);
    case "resume":
      return setPaused(s, fleet, false, reason);
    case "rollback":
      return rollBack(s, fleet, reason);
    case undefined: {
      const to = version ?? (canary === undefined ? undefined : fleet.rollout?.to);
      if (to !== undefined) startRollout(s, fleet, to, canary ?? 1, reason);
    }
  }
}

function known(s: CoreState, requestId: number, experienceId: string): Fleet | undefined {
  const fleet = s.fleets.get(experienceId);
  if (fleet?.config) return fleet;
  s.out.refuse(
    requestId,
    problem("unknownExperience", `experience "${experienceId}" is not in this region; it has ${experienceNames(s)}`),
  );
  return undefined;
}

export function getRegion(s: CoreState, requestId: number): void {
  s.out.reply(requestId, { region: regionView(s), summary: summaryView(s) });
}

/** On: no new sessions here, those who wait are told to go elsewhere, and players are moved; see move-out.ts. */
export function drainRegion(s: CoreState, requestId: number, { on, afterSecs = 0 }: Of<"drainRegion">): void {
  const movesAtMs = s.nowMs + Math.max(0, afterSecs) * 1000;
  // Said again, it may move them sooner or later; and that it is not drained an agent that is away may not know.
  const { drain: before } = s;
  const isSaid = before?.on === on && (!on || before.movesAtMs === movesAtMs);
  const drain = isSaid ? before : setDrain(s, on, movesAtMs);
  // Also where nothing is new: whoever asked before may not have been answered.
  keepDrain(s, requestId, drain);
}
