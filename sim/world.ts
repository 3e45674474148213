import { crc32 } from "node:zlib";
import type { Decision } from "../controller/core/decision";
import type { Input } from "../controller/core/input";
import type { ControllerHost } from "./controller-host";
import { Crowd } from "./crowd";
import type { VirtualServer } from "./game-server";
import { Network } from "./network";
import type { VirtualNode } from "./node";
import type { PlayerObserver } from "./player";
import { Killed } from "./process";
import { Random } from "./random";
import { VirtualRegion } from "./region";
import { Schedule } from "./schedule";

/** A promise that was broken, with what shows it. */
export interface Violation {
  /** P1 to P9, as DESIGN §8 numbers them. */
  readonly promise: string;
  readonly check: string;
  readonly evidence: string;
  readonly step: number;
  /** Milliseconds since the world began. */
  readonly atMs: number;
}

export interface WorldSize {
  readonly regions: number;
  readonly controllers: number;
  readonly nodes: number;
  readonly players: number;
}

export const USUAL_SIZE: WorldSize = { regions: 1, controllers: 2, nodes: 3, players: 14 };

/** What watches a world. Everything is optional: a world runs as well unwatched. */
export interface WorldWatch extends PlayerObserver {
  onDecision(region: VirtualRegion, host: ControllerHost, input: Input, decision: Decision): void;
  onStop(region: VirtualRegion, node: VirtualNode, server: VirtualServer): void;
  onForced(serverId: string): void;
  /** After each step. */
  check(): void;
}

const NOBODY: WorldWatch = {
  onDecision: () => undefined,
  onStop: () => undefined,
  onForced: () => undefined,
  check: () => undefined,
  told: () => undefined,
  refused: () => undefined,
  admitted: () => undefined,
  ended: () => undefined,
};

/**
 * The virtual world: regions over one modelled network, in virtual time, from one seed. A step is one delivered message;
 * pings and timers happen too and are not counted.
 */
export class World {
  readonly schedule = new Schedule();
  readonly network: Network;
  readonly random: Random;
  readonly regions: VirtualRegion[] = [];
  readonly crowds: Crowd[] = [];
  readonly violations: Violation[] = [];
  readonly beganMs = this.schedule.nowMs;
  watch: WorldWatch = NOBODY;
  steps = 0;
  /** Of everything that was delivered, in order: equal for equal runs. */
  trace = 0;
  /** The last messages, for the report of a violation. */
  readonly recent: string[] = [];
  private delivered = false;

  constructor(
    readonly seed: number,
    size: WorldSize = USUAL_SIZE,
  ) {
    this.random = new Random(`forge-${String(seed)}`);
    this.network = new Network(this.schedule, this.random.fork("network"));
    this.network.onDelivered = ({ from, to, phase, text }) => {
      this.steps += 1;
      this.delivered = true;
      this.trace = crc32(`${String(Math.round(this.schedule.nowMs * 1000))} ${from}>${to} ${text}`, this.trace);
      this.recent.push(
        `${(this.schedule.nowMs - this.beganMs).toFixed(1)} ${from} > ${to} [${phase}] ${text.trimEnd()}`,
      );
      if (this.recent.length > 400) this.recent.splice(0, 200);
    };
    for (const name of ["east", "west"].slice(0, size.regions)) {
      const region = new VirtualRegion(name, this.network, this.random.fork(name), this.events(), size);
      this.regions.push(region);
      this.crowds.push(new Crowd(region, this.random.fork(`${name}/crowd`), (id) => this.watch.onForced(id)));
    }
    const [east, west] = this.regions;
    if (east && west) {
      east.other = west;
      west.other = east;
    }
  }

  start(): void {
    for (const region of this.regions) region.boot();
    for (const crowd of this.crowds) crowd.start();
  }

  /** Runs until so many steps were taken in all, or a promise is broken. */
  async runSteps(steps: number): Promise<void> {
    while (this.steps < steps && this.violations.length === 0 && (await this.advance(Infinity)));
  }

  /** Lets time pass, or a promise be broken. */
  async runFor(ms: number): Promise<void> {
    const untilMs = this.schedule.nowMs + ms;
    while (this.violations.length === 0 && (await this.advance(untilMs)));
    if (this.violations.length === 0) this.schedule.nowMs = Math.max(this.schedule.nowMs, untilMs);
  }

  broken(promise: string, check: string, evidence: string): void {
    const atMs = Math.round(this.schedule.nowMs - this.beganMs);
    this.violations.push({ promise, check, evidence, step: this.steps, atMs });
  }

  /** False where nothing is going to happen until then. */
  private async advance(untilMs: number): Promise<boolean> {
    const occurrence = this.schedule.next(untilMs);
    if (!occurrence) return false;
    this.delivered = false;
    try {
      occurrence.run();
    } catch (error) {
      if (!(error instanceof Killed)) this.failed(occurrence.owner?.name ?? "the world", error);
    }
    // What the programs do in promises and microtasks belongs to the same moment.
    await turn();
    if (this.delivered) this.watch.check();
    return true;
  }

  private failed(where: string, error: unknown): void {
    this.broken(
      "P6",
      "nothing throws",
      `${where}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  }

  private events(): VirtualRegion["events"] {
    return {
      onDecision: (region, host, input, decision) => this.watch.onDecision(region, host, input, decision),
      onDifference: (host, evidence) => this.broken("P9", "a decision can be replayed", `${host.host}: ${evidence}`),
      onFailure: (where, error) => this.failed(where, error),
      onStop: (region, node, server) => this.watch.onStop(region, node, server),
      players: {
        told: (player, claims) => this.watch.told(player, claims),
        refused: (player, claims, code) => this.watch.refused(player, claims, code),
        admitted: (player, claims) => this.watch.admitted(player, claims),
        ended: (player, sessionId) => this.watch.ended(player, sessionId),
      },
    };
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
