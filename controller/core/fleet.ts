import type { ExperienceConfig, ScalingPolicy } from "../../config/config";
import type { Advice, ChainVerdict } from "./chain";
import { FleetIndex } from "./fleet-index";
import type { GameServer } from "./game-server";
import type { Group } from "./group";
import type { PlayerSession } from "./player-session";
import { WaitingLine } from "./queue";
import { ServiceRate } from "./service-rate";
import type { FleetPolicy } from "./resources";
import type { Rollout, RolloutEnd } from "./rollout";
import { shareOfText } from "./share-text";
import { newUnserved, type Unserved } from "./unserved";

/** The servers of one experience in this region, their players and those who wait for them. */
export interface Fleet {
  readonly id: string;
  /** Null once forge.toml no longer has it: then it only empties. */
  config: ExperienceConfig | null;
  /** What players without a wish get first, and what new servers run unless a canary is short of its share. */
  version: string;
  /** A version that is being taken in; null where all is as it shall be. */
  rollout: Rollout | null;
  lastRollout: RolloutEnd | null;
  /** forge.toml's last entry with another version: what servers of that are started by. */
  former: ExperienceConfig | null;
  policy: ScalingPolicy;
  policyOverride: Partial<FleetPolicy>;
  /** A floor set by hand, until it is taken back or forge.toml changes. */
  desired: number | null;
  /** Primaries that have not ended. */
  readonly servers: Set<GameServer>;
  /** How many of them run each version. */
  readonly versions: Map<string, number>;
  /** Which clients the servers of each version were started to take; null: any. */
  readonly clients: Map<string, string | null>;
  /** Started for a rollout before any of the old servers has gone for them. */
  readonly ahead: Set<GameServer>;
  /** Still starting in the place of old servers that have gone for them already. */
  readonly behind: Set<GameServer>;
  /** While a version is taken in that the maximum leaves no room for: who comes is given to servers of the one before. */
  fallsBack: boolean;
  /** How many of them are in these states. */
  starting: number;
  suspect: number;
  /** Servers of fleet roles that have not ended. */
  readonly roleServers: Set<GameServer>;
  /** Servers that were asked for and that nobody has come to yet. */
  readonly wanted: Set<GameServer>;
  readonly index: FleetIndex;
  readonly players: Map<string, PlayerSession>;
  readonly line: WaitingLine;
  /** What those who wait are held to is another; see line-review.ts. */
  reviewDue: boolean;
  /** Who was sent away since there was no room. */
  readonly unserved: Unserved;
  /** The same of those whom only one of the two versions of a rollout takes, however much is free of the other. */
  readonly unservedOnly: { readonly from: Unserved; readonly to: Unserved };
  /** How fast the line is served. */
  readonly served: ServiceRate;
  /** The waiting group that a server is kept for; one at a time. */
  keeps: Group | null;
  /** Failed servers whose replacement has not been started yet. */
  readonly owed: string[];
  readonly crash: CrashLoop;
  readonly cooldown: Cooldown;
  /** Launches wait for the fleet's roles until then; null before the first. */
  rolesWaitUntilMs: number | null;
  readonly held: Set<GameServer>;
  /** What the last `peers` notice said, by role. */
  readonly peers: Map<string, string>;
  /** Milliseconds from asking for a seat to having it, newest overwrite oldest. */
  readonly answers: { readonly ms: Float64Array; readonly atMs: Float64Array; next: number };
  /** What the chain of policies said last; null before the first evaluation. */
  verdict: ChainVerdict | null;
  /** The last good answers of webhooks, by url. */
  readonly advice: Map<string, Advice>;
  /** Webhooks that this leader does not know any answer of, nor that there was none; see kept-advice.ts. */
  readonly unheard: Set<string>;
  /** How many servers there were when this leader began to decide. */
  found: number;
  /** When webhooks were asked last, whether they still may answer, and why they did not the last time. */
  readonly consulted: Map<string, { askedMs: number; open: boolean; failure: string | null }>;
  /** Something that the chain counts has changed. */
  countsChanged: boolean;
  evaluatedMs: number;
  /** When a server was last given up for few joins although nothing showed that others do better. */
  joinsDoubtedMs: number;
  /** When servers were given up for being strained, lately. */
  strainedOut: readonly number[];
  /** When a server was last emptied to free it. */
  defragmentedMs: number;
  /** Whether one was started for players since then, before the next could be emptied, and how often in a row that was so. */
  neededAgain: boolean;
  emptiedInVain: number;
  /** A timer is set for when the chain's entry that decides may be another. */
  changesAtMs: number;
  /** What the last evaluation said, for whoever asks why nothing happens. */
  thought: string | null;
  /** The number of servers that the last evaluation wanted. */
  want: number;
  /** So many it must have, whoever else waits for room, by the last evaluation. */
  floor: number;
  /** What it may have of the region's servers, by the last evaluation; Infinity where others leave it what it wants. */
  share: number;
  /** So many more than its share of the region it had at the last evaluation, while others wanted theirs. */
  over: number;
  /** What it would want if there were room for all; its claim when the region's servers are shared out. */
  claim: number;
  nextEvaluationMs: number;
  /** A timer is set that evaluates again when a cooldown or backoff ends. */
  recheckAtMs: number | null;
}

export interface CrashLoop {
  failures: number;
  /** No start before this. */
  untilMs: number;
  /** Why it can never start as it is; null where it may. */
  final: string | null;
}

/** Failures of a version that is being taken in are its own. */
export function crashOf({ rollout, crash }: Fleet, version: string): CrashLoop {
  return rollout?.to === version ? rollout.crash : crash;
}

export interface Cooldown {
  lastUpMs: number;
  lastDownMs: number;
}

/** How many answer times are kept for the 95th percentile. */
const ANSWERS = 128;

const RETIRED: ScalingPolicy = {
  minServers: 0,
  maxServers: 0,
  targetCpu: 1,
  targetPlayers: 1,
  scaleUpThreshold: 1,
  scaleDownThreshold: 1,
  scaleUpCooldownSecs: 0,
  scaleDownCooldownSecs: 0,
  buffer: { kind: "servers", servers: 0 },
  targetResponseMs: undefined,
  chain: [],
  defragment: "off",
  defragmentIntervalSecs: 60,
};

export function newFleet(id: string, config: ExperienceConfig | null): Fleet {
  const fleet: Fleet = {
    id,
    config,
    version: config?.version ?? "",
    rollout: null,
    lastRollout: null,
    former: null,
    policy: RETIRED,
    policyOverride: {},
    desired: null,
    servers: new Set(),
    versions: new Map(),
    clients: new Map(),
    ahead: new Set(),
    behind: new Set(),
    fallsBack: false,
    starting: 0,
    suspect: 0,
    roleServers: new Set(),
    wanted: new Set(),
    index: new FleetIndex(),
    players: new Map(),
    line: new WaitingLine(),
    reviewDue: false,
    unserved: newUnserved(),
    unservedOnly: { from: newUnserved(), to: newUnserved() },
    served: new ServiceRate(),
    keeps: null,
    owed: [],
    crash: { failures: 0, untilMs: -Infinity, final: null },
    cooldown: { lastUpMs: -Infinity, lastDownMs: -Infinity },
    rolesWaitUntilMs: null,
    held: new Set(),
    peers: new Map(),
    answers: { ms: new Float64Array(ANSWERS), atMs: new Float64Array(ANSWERS).fill(-Infinity), next: 0 },
    verdict: null,
    advice: new Map(),
    unheard: new Set(),
    found: 0,
    consulted: new Map(),
    countsChanged: false,
    evaluatedMs: -Infinity,
    joinsDoubtedMs: -Infinity,
    strainedOut: [],
    defragmentedMs: -Infinity,
    neededAgain: false,
    emptiedInVain: 0,
    changesAtMs: Infinity,
    thought: null,
    want: 0,
    floor: 0,
    share: Infinity,
    over: 0,
    claim: 0,
    nextEvaluationMs: -Infinity,
    recheckAtMs: null,
  };
  applyPolicy(fleet);
  return fleet;
}

/** Works out the policy in force from forge.toml and what was put over it since. A world is always exactly one server. */
export function applyPolicy(fleet: Fleet): void {
  fleet.verdict = null;
  if (!fleet.config) {
    fleet.policy = RETIRED;
    return;
  }
  const { buffer, targetResponseMs, ...override } = fleet.policyOverride;
  const merged = {
    ...fleet.config.scaling,
    ...override,
    ...(buffer === undefined ? {} : { buffer: amountOfText(buffer) }),
    ...(targetResponseMs === undefined ? {} : { targetResponseMs: targetResponseMs ?? undefined }),
  };
  fleet.policy =
    fleet.config.kind === "world"
      ? { ...merged, minServers: 1, maxServers: 1, buffer: { kind: "servers", servers: 0 }, chain: [] }
      : merged;
}

/** So many servers at least, by its policy or by hand. */
export function leastOf({ policy, desired }: Fleet): number {
  return Math.min(policy.maxServers, Math.max(policy.minServers, desired ?? 0));
}

/** So many at most; what an entry of the chain bounds it bounds within what the experience has in any case. */
export function mostOf(fleet: Fleet, chain = fleet.verdict?.max ?? Infinity): number {
  return Math.min(fleet.policy.maxServers, Math.max(chain, leastOf(fleet)));
}

/** `5` or `"10%"`, as the policy has it. */
function amountOfText(buffer: number | string): ScalingPolicy["buffer"] {
  const share = shareOfText(buffer);
  return share === undefined ? { kind: "servers", servers: Number(buffer) } : { kind: "share", share };
}

/** How many servers, and parts of them, players wait for who lost theirs or are moved. */
export function movingServers(fleet: Fleet): number {
  const { line, config } = fleet;
  return line.moveServers + (wholeServers(fleet) ? 0 : line.moveSeats / Math.max(1, config?.maxPlayers ?? 1));
}

/** Whether one party takes a whole server. */
export function wholeServers(fleet: Fleet): boolean {
  return fleet.config?.seats === "match";
}

export function noteAnswer(fleet: Fleet, ms: number, nowMs: number): void {
  const { answers } = fleet;
  answers.ms[answers.next] = ms;
  answers.atMs[answers.next] = nowMs;
  answers.next = (answers.next + 1) % ANSWERS;
}

/** 95th percentile of the answers of the last minute; undefined where there were fewer than ten. */
export function answerP95(fleet: Fleet, nowMs: number): number | undefined {
  const recent = fleet.answers.ms.filter((_, i) => (fleet.answers.atMs[i] ?? -Infinity) > nowMs - 60_000).sort();
  if (recent.length < 10) return undefined;
  return recent[Math.min(recent.length - 1, Math.floor(recent.length * 0.95))];
}
