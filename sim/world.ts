import { crc32 } from "node:zlib";
import type { Decision } from "../controller/core/decision";
import type { AllocationRequest } from "../controller/core/allocation";
import type { Input } from "../controller/core/input";
import type { Server } from "../controller/core/resources";
import type { Ack, FromAgent, Request } from "../protocol/messages";
import type { ControllerHost } from "./controller-host";
import { Crowd } from "./crowd";
import type { VirtualServer } from "./game-server";
import { Network } from "./network";
import type { VirtualNode } from "./node";
import { Office } from "./office";
import type { PlayerObserver } from "./player";
import { Killed } from "./process";
import { Random } from "./random";
import { VirtualRegion } from "./region";
import { Schedule } from "./schedule";
import type { WorldKind } from "./settings";

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
  readonly kind: WorldKind;
  /** So many times slower people and programs act than usual: as many messages then take so much more time. */
  readonly slowness: number;
}

/** So many messages are kept for the report of a violation. */
const LOG_LENGTH = 2000;

export const USUAL_SIZE: WorldSize = { regions: 1, controllers: 2, nodes: 3, players: 14, kind: "busy", slowness: 1 };

/** What watches a world. Everything is optional: a world runs as well unwatched. */
export interface WorldWatch extends Partial<PlayerObserver> {
  onDecision?(region: VirtualRegion, host: ControllerHost, input: Input, decision: Decision): void;
  /** A leader's writing of what it keeps of fleets was taken by Consul, in the place of what was there before. */
  onKept?(region: VirtualRegion, text: string, before: string | undefined): void;
  /** A controller asks something of an agent, which has acknowledged this epoch on the same stream; -1: none. */
  onRequest?(region: VirtualRegion, node: VirtualNode, request: Request, acked: number): void;
  onSaid?(region: VirtualRegion, node: VirtualNode, message: FromAgent): void;
  onAck?(region: VirtualRegion, node: VirtualNode, request: Request, ack: Ack): void;
  onAdmission?(region: VirtualRegion, node: VirtualNode, serverId: string, ticket: string): void;
  /** A server is about to be stopped because somebody asked for it. */
  onStop?(region: VirtualRegion, node: VirtualNode, server: VirtualServer): void;
  /** Somebody was told that a server is theirs, as Agones' allocation tells it. */
  onAllocated?(server: Server, request: AllocationRequest): void;
  /** An operator, or the server itself, wants it stopped with whoever is on it. */
  onForced?(serverId: string): void;
  /** After each step. */
  check?(): void;
}

/**
 * The virtual world: regions over one modelled network, in virtual time, from one seed. A step is one delivered message;
 * timers happen too and are not counted, nor what only says that all is as it was: pings, heartbeats, renewals of the lock.
 */
export class World {
  readonly schedule = new Schedule();
  readonly network: Network;
  readonly random: Random;
  readonly regions: VirtualRegion[] = [];
  readonly crowds: Crowd[] = [];
  readonly offices: Office[] = [];
  readonly violations: Violation[] = [];
  readonly beganMs = this.schedule.nowMs;
  readonly watches: WorldWatch[] = [];
  steps = 0;
  /** Of everything that was delivered, in order: equal for equal runs. */
  trace = 0;
  private readonly log: {
    readonly atMs: number;
    readonly from: string;
    readonly to: string;
    readonly phase: string;
    readonly text: string;
  }[] = [];
  private delivered = false;

  constructor(
    readonly seed: number,
    size: WorldSize = USUAL_SIZE,
  ) {
    this.random = new Random(`forge-${String(seed)}`);
    this.network = new Network(this.schedule, this.random.fork("network"));
    this.network.onDelivered = ({ from, to, phase, text, routine }) => {
      if (!routine) this.steps += 1;
      this.delivered = true;
      this.trace = crc32(`${String(Math.round(this.schedule.nowMs * 1000))} ${from}>${to} ${text}`, this.trace);
      this.log.push({ atMs: this.schedule.nowMs, from, to, phase, text });
      if (this.log.length > 2 * LOG_LENGTH) this.log.splice(0, LOG_LENGTH);
    };
    for (const name of ["east", "west"].slice(0, size.regions)) {
      const region = new VirtualRegion(name, this.network, this.random.fork(name), this.events(), size);
      this.regions.push(region);
      const { slowness } = size;
      const crowd = new Crowd(region, this.random.fork(`${name}/crowd`), slowness, (id) =>
        this.each((watch) => watch.onForced?.(id)),
      );
      this.crowds.push(crowd);
      if (size.kind === "busy")
        this.offices.push(new Office(region, crowd, this.random.fork(`${name}/office`), slowness));
    }
    const [east, west] = this.regions;
    if (east && west) {
      east.other = west;
      west.other = east;
    }
  }

  start(): void {
    for (const region of this.regions) region.bootAll();
    for (const crowd of this.crowds) crowd.start();
    for (const office of this.offices) office.start();
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

  /** The last messages, oldest first, for the report of a violation. */
  recent(): string[] {
    return this.log.map(
      ({ atMs, from, to, phase, text }) =>
        `${(atMs - this.beganMs).toFixed(1)} ${from} > ${to} [${phase}] ${text.trimEnd()}`,
    );
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
    if (this.delivered) this.each((watch) => watch.check?.());
    return true;
  }

  private each(run: (watch: WorldWatch) => void): void {
    for (const watch of this.watches) run(watch);
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
      onDecision: (...of) => this.each((watch) => watch.onDecision?.(...of)),
      onDifference: (host, evidence) => this.broken("P9", "a decision can be replayed", `${host.host}: ${evidence}`),
      onFailure: (where, error) => this.failed(where, error),
      onKept: (...of) => this.each((watch) => watch.onKept?.(...of)),
      onStop: (...of) => this.each((watch) => watch.onStop?.(...of)),
      onRequest: (...of) => this.each((watch) => watch.onRequest?.(...of)),
      onSaid: (...of) => this.each((watch) => watch.onSaid?.(...of)),
      onAck: (...of) => this.each((watch) => watch.onAck?.(...of)),
      onAdmission: (...of) => this.each((watch) => watch.onAdmission?.(...of)),
      onAllocated: (...of) => this.each((watch) => watch.onAllocated?.(...of)),
      players: {
        queued: (...of) => this.each((watch) => watch.queued?.(...of)),
        toldEnd: (...of) => this.each((watch) => watch.toldEnd?.(...of)),
        told: (...of) => this.each((watch) => watch.told?.(...of)),
        refused: (...of) => this.each((watch) => watch.refused?.(...of)),
        admitted: (...of) => this.each((watch) => watch.admitted?.(...of)),
        ended: (...of) => this.each((watch) => watch.ended?.(...of)),
      },
    };
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
