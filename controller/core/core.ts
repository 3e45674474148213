import { takeAdvice } from "./advice";
import { onAgentEvent } from "./agent-events";
import { onCommand } from "./commands";
import { dropConnection, onHello, onSilent, nodeReady } from "./connection";
import type { CoreMachine, IdSource } from "./core-interface";
import type { Decision } from "./decision";
import { advanceEnding } from "./drain";
import { dropEarlyOf, expireEarly } from "./early-seats";
import { onEngineEvent } from "./engine-events";
import type { CoreSettings, Input } from "./input";
import { keepFleets, onFleetsKept, onFleetsRead } from "./kept-fleets";
import { advanceIsolations } from "./isolation";
import { checkRebuilt, onLeadership } from "./leadership";
import { isOverShare } from "./make-room";
import { advanceMoves, onTransferred } from "./move-out";
import { abandon, serveLine } from "./placement";
import { reviewLine } from "./line-review";
import { onEngineList, onSnapshot } from "./rebuild";
import { tryReach } from "./reach";
import { loseOverdue, loseRequests, onAck } from "./requests";
import { inTurn } from "./priority";
import { regionNumbers, type RegionNumbers } from "./region-numbers";
import type { RegionSummary } from "./resources";
import { reviewRollout } from "./rollout";
import { scale } from "./scaler";
import { takeSettings } from "./settings";
import { CoreState } from "./state";
import { onUnheard } from "./unheard-nodes";
import { dropLost, dropOldNodes, dropRetired, dropStrangers, stopAgain } from "./upkeep";
import { summaryView } from "./views";

export interface CoreOptions {
  readonly settings: CoreSettings;
  readonly controllerId: string;
  readonly ids: IdSource;
  /** Whether the engine keeps new servers off nodes that it is told to avoid; default true. */
  readonly avoidsNodes?: boolean;
}

/** What there is, in numbers. */
export interface CoreCounts {
  readonly servers: number;
  readonly sessions: number;
  readonly queued: number;
  readonly players: number;
  readonly openRequests: number;
  readonly timers: number;
}

/** Ticks come at least once a second. Without one for so long this process stood still, and what others told meanwhile comes before the next. */
const HELD_UP_MS = 1500;
/** So many rounds of consequences one input may have; what is left is done with the next. */
const ROUNDS = 64;

/**
 * The region's brain: inputs in, decisions out, nothing else. An input changes what is known; then everything it
 * touched is looked at once more (`settle`): who waits is placed, servers that have emptied are stopped, sizes are
 * brought in line.
 */
export class Core implements CoreMachine {
  private readonly state: CoreState;
  private promisedMs = Infinity;
  private tickedMs: number | undefined;

  constructor({ settings, controllerId, ids, avoidsNodes = true }: CoreOptions) {
    this.state = new CoreState(settings, controllerId, ids, avoidsNodes);
    for (const experienceId of Object.keys(settings.experiences)) this.state.fleet(experienceId);
  }

  handle(input: Input): readonly Decision[] {
    const s = this.state;
    // A clock that was set back must not undo deadlines.
    s.nowMs = s.out.nowMs = Math.max(s.nowMs, input.nowMs);
    this.take(input);
    if (s.outranked !== null) this.stepDown(s.outranked);
    const heldUp = this.isHeldUp(input);
    if (!heldUp) s.timers.fireDue(s.nowMs);
    this.settle(heldUp);
    keepFleets(s);
    this.promiseWake();
    return s.out.take();
  }

  get places(): boolean {
    return this.state.deciding;
  }

  /** It has not heard yet what waits for it to be read: nothing is too late by its clock before that. */
  private isHeldUp({ type }: Input): boolean {
    const { nowMs } = this.state;
    if (type === "tick") this.tickedMs = nowMs;
    this.tickedMs ??= nowMs;
    return nowMs - this.tickedMs >= HELD_UP_MS;
  }

  /** Told to the other regions each second. */
  summary(): RegionSummary {
    return summaryView(this.state);
  }

  /** For whoever watches the region. */
  numbers(nowMs: number): RegionNumbers {
    return regionNumbers(this.state, nowMs);
  }

  counts(): CoreCounts {
    const { servers, sessions, fleets, requests, timers } = this.state;
    let queued = 0;
    let players = 0;
    for (const { line, index } of fleets.values()) {
      queued += line.players;
      players += index.held;
    }
    return {
      servers: servers.size,
      sessions: sessions.size,
      queued,
      players,
      openRequests: requests.size,
      timers: timers.size,
    };
  }

  private take(input: Input): void {
    const s = this.state;
    switch (input.type) {
      case "command":
        return onCommand(s, input.requestId, input.command);
      case "agent":
        return this.takeFromAgent(input);
      case "agentSilent":
        onSilent(s, s.node(input.nodeId), input.reason, input.heardMs);
        return loseRequests(s, input.nodeId, input.reason);
      case "engine":
        return onEngineEvent(s, input.event);
      case "engineList":
        return onEngineList(s, input.servers, input.sinceMs);
      case "leadership":
        return onLeadership(s, input);
      case "fleetsRead":
        return onFleetsRead(s, input.epoch, input.kept);
      case "fleetsKept":
        return onFleetsKept(s, input.seq, input.failure);
      case "policy":
        if (s.holding) s.settingsHeld = input.settings;
        else takeSettings(s, input.settings);
        return;
      case "advice":
        return takeAdvice(s, input);
      case "peers":
        s.peers = input.regions;
        return;
      case "transferred":
        return onTransferred(s, input);
      case "unheard":
        return onUnheard(s, input.nodes);
      case "tick":
        return this.tick();
    }
  }

  private takeFromAgent({ nodeId, message }: Extract<Input, { type: "agent" }>): void {
    const s = this.state;
    const node = s.node(nodeId);
    switch (message.type) {
      case "hello":
        dropConnection(s, node);
        loseRequests(s, nodeId, "the agent connected anew");
        return onHello(s, node, message);
      case "snapshot":
        // Its agent follows another leader, who alone knows of seats that are gone whether their sessions have moved.
        if (s.leader && message.epoch > s.epoch) this.stepDown(message.epoch);
        node.snapshotSeen = true;
        node.epochTold = message.epoch;
        dropEarlyOf(s, nodeId);
        onSnapshot(s, node, message);
        return nodeReady(s, node);
      case "ack":
        return onAck(s, node, message);
      case "report":
        for (const event of message.events) {
          // Somebody leads after this one, and was given what only a controller that does not lead takes in.
          if (event.kind === "granted" && s.leader && event.epoch > s.epoch) this.stepDown(event.epoch);
          onAgentEvent(s, nodeId, event);
        }
        return;
    }
  }

  /** At once, not when the shell has heard of it: what a leader of the past decides can only do harm. */
  private stepDown(seenEpoch: number): void {
    const s = this.state;
    s.outranked = null;
    s.out.push({ type: "stepDown", seenEpoch });
    onLeadership(s, { leader: false, epoch: s.epoch });
  }

  private tick(): void {
    const s = this.state;
    loseOverdue(s);
    s.endedSessions.expire(s.nowMs);
    s.endedServers.expire(s.nowMs);
    s.oldTickets.expire(s.nowMs);
    s.spentTickets.expire(s.nowMs);
    s.oldMatches.expire(s.nowMs);
    expireEarly(s);
    dropOldNodes(s);
    if (!s.leader) return dropLost(s);
    stopAgain(s);
    dropStrangers(s);
    dropRetired(s);
    advanceMoves(s);
    tryReach(s);
    advanceIsolations(s);
    for (const fleet of s.fleets.values()) {
      reviewRollout(s, fleet);
      if (s.nowMs >= fleet.nextEvaluationMs) s.dirty.add(fleet);
    }
  }

  private settle(heldUp: boolean): void {
    const s = this.state;
    if (!s.leader) {
      s.dirty.take();
      s.ending.clear();
      s.emptied.length = 0;
      return;
    }
    if (!heldUp) checkRebuilt(s);
    for (let round = 0; round < ROUNDS && s.dirty.size + s.ending.size + s.emptied.length > 0; round++) {
      if (s.emptied.length > 0) for (const group of s.emptied.splice(0)) abandon(s, group);
      if (s.ending.size > 0) {
        const ending = [...s.ending];
        s.ending.clear();
        for (const server of ending) advanceEnding(s, server);
      }
      for (const fleet of inTurn(s.dirty.take())) {
        // What others have a right to does not go to those who wait here.
        if (isOverShare(fleet)) scale(s, fleet);
        reviewLine(s, fleet);
        serveLine(s, fleet);
        scale(s, fleet);
      }
    }
  }

  private promiseWake(): void {
    const { timers, nowMs, out } = this.state;
    const next = timers.next();
    if (this.promisedMs <= nowMs) this.promisedMs = Infinity;
    if (next >= this.promisedMs) return;
    this.promisedMs = next;
    out.push({ type: "wake", atMs: next });
  }
}
