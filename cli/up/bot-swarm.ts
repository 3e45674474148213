import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";
import type { BotsSummary } from "./run-summary";

const lineSchema = z.looseObject({
  type: z.literal("bots"),
  target: z.number(),
  playing: z.number(),
  queued: z.number(),
  moved: z.number(),
  lost: z.number(),
});
const summarySchema = z.looseObject({
  type: z.literal("botsSummary"),
  players: z.number(),
  lost: z.number(),
  routeMs: z.object({ p50: z.number(), p99: z.number() }),
});

export type BotsLine = z.output<typeof lineSchema>;
export type SwarmSummary = z.output<typeof summarySchema>;

export interface BotSwarmOptions {
  readonly home: string;
  readonly url: string;
  readonly regions: Readonly<Record<string, string>>;
  readonly token: string;
  readonly experience: string;
  readonly count: number;
  readonly durationSecs: number | undefined;
  /** Marks the process as one of the run's, so that it is found and ended with it whatever happens. */
  readonly runId: string;
  readonly onLine: (line: BotsLine) => void;
  readonly onError: (text: string) => void;
}

/** Longer than the bots take to leave politely. */
const LEAVE_WITHIN_MS = 8000;

/** The demonstration's players: a program of its own that knows nothing but the API. */
export class BotSwarm {
  private readonly child: ChildProcess;
  private readonly exited: Promise<void>;
  private summary: SwarmSummary | undefined;

  constructor(options: BotSwarmOptions) {
    const { home, url, token, regions, experience, count, durationSecs, runId, onLine, onError } = options;
    const duration = durationSecs === undefined ? [] : ["--duration", String(durationSecs)];
    this.child = spawn(
      process.execPath,
      [join(home, "dist", "games", "arena-bots.js"), "--count", String(count), "--experience", experience, ...duration],
      {
        // Not in the arguments, which everybody on the machine can read.
        env: {
          ...process.env,
          FORGE_ADDR: url,
          FORGE_TOKEN: token,
          FORGE_REGIONS: JSON.stringify(regions),
          FORGE_RUN_ID: runId,
        },
        stdio: ["ignore", "pipe", "pipe"],
        // Ctrl-C in a terminal goes to this process alone, which ends the bots in their turn.
        detached: true,
      },
    );
    const { stdout, stderr } = this.child;
    if (stdout) createInterface(stdout).on("line", (text) => this.read(text, onLine));
    if (stderr) createInterface(stderr).on("line", onError);
    this.exited = new Promise((resolve) => {
      this.child.once("close", () => resolve());
      this.child.once("error", (error) => {
        onError(error.message);
        resolve();
      });
    });
  }

  /** Lets them leave; resolves with what they counted, undefined where they died without saying. */
  async stop(): Promise<BotsSummary | undefined> {
    this.child.kill("SIGTERM");
    const kill = setTimeout(() => this.child.kill("SIGKILL"), LEAVE_WITHIN_MS);
    await this.exited;
    clearTimeout(kill);
    const { summary } = this;
    return (
      summary && {
        players: summary.players,
        lost: summary.lost,
        routeMs: { p50: summary.routeMs.p50, p99: summary.routeMs.p99 },
      }
    );
  }

  private read(text: string, onLine: (line: BotsLine) => void): void {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return;
    }
    const line = lineSchema.safeParse(value);
    if (line.success) onLine(line.data);
    const summary = summarySchema.safeParse(value);
    if (summary.success) this.summary = summary.data;
  }
}
