import type { ExperienceConfig } from "../../config/config";
import { applyPolicy, type Fleet } from "./fleet";
import { keptAdvice, restoreAdvice, type KeptAdvice } from "./kept-advice";
import { endingRecords, onEndingsRead, type EndingRecords } from "./kept-endings";
import { nodeRecords, onNodesRead, type NodeRecords } from "./kept-nodes";
import { problem } from "./outbox";
import type { FleetPolicy } from "./resources";
import type { Rollout, RolloutEnd } from "./rollout";
import { takeVersion } from "./settings";
import type { CoreState } from "./state";
import { fleetView } from "./views";

/**
 * What was decided of a fleet beside forge.toml, kept where the region's live configuration is, so that the next leader goes
 * on with a rollout where it stood and with the policy that was put. forge.toml's entry is kept with it: what has changed
 * in forge.toml while nobody led outranks what was put, and a new version in it is rolled out, not jumped to.
 */
export interface FleetRecord {
  readonly version: string;
  readonly rollout: Omit<Rollout, "crash"> | null;
  readonly lastRollout: RolloutEnd | null;
  readonly policy: Partial<FleetPolicy>;
  readonly desired: number | null;
  /** What earlier versions of Forge did not keep. */
  readonly advice?: KeptAdvice;
  /** forge.toml's entry by which this was decided, and its last one with another version. */
  readonly entry: ExperienceConfig;
  readonly former: ExperienceConfig | null;
}

export type FleetRecords = Readonly<Record<string, FleetRecord>>;

/** All that a leader leaves to the next one. */
export interface Kept {
  readonly fleets: FleetRecords;
  readonly nodes: NodeRecords;
  /** Earlier versions of Forge kept nothing of these. */
  readonly endings?: EndingRecords;
}

/** A `putFleet` that is answered once the next leader would know of it. */
export interface FleetAsk {
  readonly requestId: number;
  readonly fleet: Fleet;
  /** The `keepFleets` that holds it. */
  readonly seq: number;
}

/** At the end of each input: what has changed is to be kept. */
export function keepFleets(s: CoreState): void {
  if (!s.keepDue || !s.leader || s.kept !== "known") return;
  s.keepDue = false;
  const fleets = [...s.fleets.values()].flatMap((fleet) => {
    const record = recordOf(fleet);
    return record ? [[fleet.id, record] as const] : [];
  });
  s.out.push({
    type: "keepFleets",
    seq: ++s.keepSeq,
    kept: { fleets: Object.fromEntries(fleets), nodes: nodeRecords(s), endings: endingRecords(s) },
  });
}

function recordOf(fleet: Fleet): FleetRecord | undefined {
  const { config: entry, version, rollout, lastRollout, policyOverride: policy, desired, former } = fleet;
  if (!entry) return undefined;
  const record = { version, lastRollout, policy, desired, advice: keptAdvice(fleet), entry, former };
  if (!rollout) return { ...record, rollout };
  const { crash: _crash, ...kept } = rollout;
  return { ...record, rollout: kept };
}

/** Nothing is started, closed or promoted yet: what was decided of the fleets is on its way. */
export function awaitsKept(s: CoreState): boolean {
  return s.kept === "awaited" && s.nowMs < s.keptUntilMs;
}

/** What the leaders before this one have kept. It may come late: what was decided without it is corrected. */
export function onFleetsRead(s: CoreState, epoch: number, { fleets: records, nodes, endings }: Kept): void {
  if (!s.leader || epoch !== s.epoch || s.kept !== "awaited") return;
  s.kept = "known";
  onNodesRead(s, nodes);
  onEndingsRead(s, endings ?? {});
  for (const [experienceId, config] of Object.entries(s.settings.experiences)) {
    const record = Object.hasOwn(records, experienceId) ? records[experienceId] : undefined;
    if (record) restore(s, s.fleet(experienceId), config, record);
  }
  s.keepDue = true;
  for (const fleet of s.fleets.values()) s.dirty.add(fleet);
}

function restore(s: CoreState, fleet: Fleet, config: ExperienceConfig, record: FleetRecord): void {
  const { rollout, former, entry } = record;
  fleet.version = record.version;
  fleet.rollout = rollout && { ...rollout, crash: { failures: 0, untilMs: -Infinity, final: null } };
  fleet.lastRollout = record.lastRollout;
  // Settings that an earlier version of Forge did not know are as they are now.
  fleet.former = former && asKept(config, former);
  const isAsItWas = JSON.stringify(entry.scaling) === JSON.stringify(config.scaling);
  fleet.policyOverride = isAsItWas ? record.policy : {};
  fleet.desired = isAsItWas ? record.desired : null;
  if (entry.version !== config.version) takeVersion(s, fleet, asKept(config, entry), config);
  applyPolicy(fleet);
  fleet.reviewDue = true;
  restoreAdvice(fleet, record.advice);
  fleet.nextEvaluationMs = s.nowMs;
  s.dirty.add(fleet);
  tellRestored(s, fleet, isAsItWas ? record : { ...record, policy: {}, desired: null });
}

/** Of what JSON leaves out, `clients` is not as it is now: that version took any. */
function asKept(config: ExperienceConfig, entry: ExperienceConfig): ExperienceConfig {
  return { ...config, ...entry, clients: entry.clients };
}

/** Said where anything differs from what forge.toml alone would give. */
function tellRestored(s: CoreState, fleet: Fleet, { version, rollout, policy, desired, entry }: FleetRecord): void {
  const reasons = [
    ...(rollout ? [`version ${rollout.to} was being taken in for ${rollout.from}: ${rollout.reason}`] : []),
    ...(!rollout && version !== entry.version
      ? [`servers ran version ${version}, where forge.toml named ${entry.version}`]
      : []),
    ...(Object.keys(policy).length > 0 ? [`a policy was put by hand: ${Object.keys(policy).join(", ")}`] : []),
    ...(desired === null ? [] : [`${String(desired)} servers at least were asked for`]),
  ];
  if (reasons.length === 0) return;
  const outcome = "goes on as the leader before left it";
  const record = s.records.make(s.nowMs, { kind: rollout ? "rollout" : "scale", subject: fleet.id, outcome, reasons });
  s.out.push({ type: "record", record });
}

/** Answers once it is kept; at once where nothing keeps it, since no other controller could lead then. */
export function answerKept(s: CoreState, requestId: number, fleet: Fleet): void {
  s.keepDue = true;
  if (s.kept === "nowhere") return s.out.reply(requestId, fleetView(s, fleet));
  s.fleetAsks.push({ requestId, fleet, seq: s.keepSeq + 1 });
}

/** What was to be kept up to `seq` is, or could not be: then it is tried again, but whoever asked is told. */
export function onFleetsKept(s: CoreState, seq: number, failure: string | undefined): void {
  const done = s.fleetAsks.filter((ask) => ask.seq <= seq);
  s.fleetAsks = s.fleetAsks.filter((ask) => ask.seq > seq);
  for (const { requestId, fleet } of done) {
    if (failure === undefined) s.out.reply(requestId, fleetView(s, fleet));
    else
      s.out.refuse(
        requestId,
        problem(
          "unavailable",
          `it is in force, but could not be kept yet, so the next leader may not know (${failure}); ask again`,
          { retryAfterSecs: 1 },
        ),
      );
  }
}
