import type { ForgeConfig } from "../../config/config";
import type { ForgeEvent } from "../../controller/core/resources";
import { eventLine } from "../event-line";
import type { CliIo } from "../io";
import { renderOverview } from "../live-view";
import { paintsFor } from "../paint";
import type { BotsLine } from "./bot-swarm";
import type { DoneFault } from "./demo-faults";
import type { RunSummary } from "./run-summary";
import type { RunLook } from "./run-watch";

export interface ReadyRun {
  readonly url: string;
  /** An operator's, for an hour. */
  readonly token: string;
  readonly regions: Readonly<Record<string, string>>;
  readonly processes: Readonly<Record<string, number>>;
  readonly config: ForgeConfig;
  /** What runs where, in words, a line each. */
  readonly about: readonly string[];
}

/** How a run is told: to a program as JSON lines, to a terminal as a live view, to anything else as plain lines. */
export interface UpPrinter {
  ready(run: ReadyRun): void;
  event(id: string, event: ForgeEvent): void;
  look(look: RunLook, bots: BotsLine | undefined): void;
  bots(line: BotsLine): void;
  fault(fault: DoneFault): void;
  closing(): void;
  /** `left`: processes that would not go. */
  summary(summary: RunSummary, left: readonly number[]): void;
}

export function printerFor(json: boolean, io: CliIo): UpPrinter {
  if (json) return new JsonPrinter(io);
  return io.terminal ? new LivePrinter(io) : new LinePrinter(io);
}

class JsonPrinter implements UpPrinter {
  constructor(private readonly io: CliIo) {}

  ready({ url, token, regions, processes }: ReadyRun): void {
    this.print({ ready: { url, token, regions, processes } });
  }

  event(id: string, event: ForgeEvent): void {
    this.print({ id, ...event });
  }

  look(): void {}

  bots(line: BotsLine): void {
    this.print(line);
  }

  fault(fault: DoneFault): void {
    this.print({ type: "demo.killed", ...fault });
  }

  closing(): void {}

  summary(summary: RunSummary, left: readonly number[]): void {
    this.print({ summary: left.length > 0 ? { ...summary, processesLeft: left } : summary });
  }

  private print(value: unknown): void {
    this.io.out(`${JSON.stringify(value)}\n`);
  }
}

/**
 * What somebody who looks on need not read: of a player's life the arrivals and departures are counted, and of a server's
 * it is told why it is started and when it is ready.
 */
const QUIET = new Set<ForgeEvent["type"]>([
  "server.spawned",
  "server.placed",
  "session.reserved",
  "session.joined",
  "session.left",
  "session.ended",
  "session.queued",
  "session.migrating",
  "session.moved",
]);
const RECENT = 200;

class LinePrinter implements UpPrinter {
  constructor(protected readonly io: CliIo) {}

  ready(run: ReadyRun): void {
    this.io.out(introduction(run));
  }

  event(_id: string, event: ForgeEvent): void {
    if (!QUIET.has(event.type)) this.io.out(`${eventLine(event, paintsFor(this.io.outColor))}\n`);
  }

  look(_look: RunLook, _bots: BotsLine | undefined): void {}

  bots(_line: BotsLine): void {}

  fault(fault: DoneFault): void {
    this.io.out(`${faultLine(fault)}\n`);
  }

  closing(): void {
    this.io.out("Stopping: players leave, servers end, nothing is left running.\n");
  }

  summary(summary: RunSummary, left: readonly number[]): void {
    this.io.out(describeSummary(summary, left));
  }
}

const HOME_AND_CLEAR = "\u001b[H\u001b[J";

class LivePrinter extends LinePrinter {
  private intro = "";
  private readonly recent: ForgeEvent[] = [];
  private lastFault: string | undefined;
  private readonly startedMs: number;

  constructor(io: CliIo) {
    super(io);
    this.startedMs = io.now();
  }

  override ready(run: ReadyRun): void {
    this.intro = introduction(run);
    this.io.out(this.intro);
  }

  override event(_id: string, event: ForgeEvent): void {
    if (QUIET.has(event.type)) return;
    this.recent.push(event);
    if (this.recent.length > RECENT) this.recent.shift();
  }

  override look(look: RunLook, bots: BotsLine | undefined): void {
    const { terminal } = this.io;
    if (!terminal) return;
    const { width, height } = terminal.size();
    const introLines = this.intro.split("\n").length;
    const nowMs = this.io.now();
    const view = renderOverview(
      {
        ...look,
        recent: this.recent,
        elapsedMs: nowMs - this.startedMs,
        nowMs,
        bots: bots && {
          playing: bots.playing,
          wanted: bots.target,
          queued: bots.queued,
          moved: bots.moved,
          lost: bots.lost,
        },
        notes: this.lastFault === undefined ? undefined : [this.lastFault],
      },
      { width, height: Math.max(10, height - introLines - 1), color: this.io.outColor },
    );
    this.io.out(`${HOME_AND_CLEAR}${this.intro}${view}\n`);
  }

  override fault(fault: DoneFault): void {
    this.lastFault = faultLine(fault);
  }

  override closing(): void {
    this.io.out("\n");
    super.closing();
  }
}

function introduction({ url, token, regions, config, about }: ReadyRun): string {
  const experiences = Object.values(config.experiences).map(({ id, version }) => `${id} ${version}`);
  return [
    `Forge is up: ${Object.entries(regions)
      .map(([name, address]) => `${name} ${address}`)
      .join(", ")}; ${experiences.join(", ") || "no experience"}.`,
    ...about,
    `Dashboard: ${url}/#token=${token}`,
    "Ctrl-C stops everything.",
    "",
    "",
  ].join("\n");
}

function faultLine({ target, id, region, players }: DoneFault): string {
  const on = players === undefined ? "" : ` with ${String(players)} players on it`;
  return `Killed on purpose (SIGKILL): ${target} ${id} in ${region}${on}`;
}

function describeSummary(summary: RunSummary, left: readonly number[]): string {
  const ms = ({ p50, p99 }: RunSummary["spawnMs"]): string =>
    p50 === null || p99 === null ? "not measured" : `${String(p50)} ms, p99 ${String(p99)} ms`;
  const restored =
    summary.maxRestoredAgeMs === null
      ? ""
      : ` Oldest state restored: ${(summary.maxRestoredAgeMs / 1000).toFixed(1)} s.`;
  return [
    `${String(summary.serversSpawned)} servers spawned (p50 ${ms(summary.spawnMs)} to ready), scaled up ${String(summary.scaleUps)} and down ${String(summary.scaleDowns)} times, ${String(summary.serversKilled)} killed on purpose.`,
    `${String(summary.playersRouted)} places given (p50 ${ms(summary.routeMs)}), ${String(summary.playersMoved)} players moved, ${String(summary.playersLost)} lost, ${String(summary.maxSeatsOver)} seats over.${restored}`,
    left.length === 0 ? "No process is left." : `Processes that would not end: ${left.join(", ")}.`,
    "",
  ].join("\n");
}
