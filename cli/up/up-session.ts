import { dirname, join } from "node:path";
import type { Logger } from "pino";
import type { ForgeConfig } from "../../config/config";
import { MAX_RENEWABLE_SECS, Tokens } from "../../controller/tokens";
import { systemClock, wallClock } from "../../protocol/clock";
import { ForgeApi } from "../api";
import { EXIT } from "../exit-code";
import type { CliContext } from "../context";
import { eventLines } from "../deploy/deploy-events";
import type { CliIo } from "../io";
import { paintsFor } from "../paint";
import { removeRunFile, writeRunFile } from "../run-file";
import { BotSwarm, type BotsLine } from "./bot-swarm";
import { DemoFaults } from "./demo-faults";
import { LocalRun } from "./local-run";
import type { RunningRun } from "./running-run";
import { openRunLog } from "./run-log";
import { RunTally } from "./run-summary";
import { RunWatch } from "./run-watch";
import { printerFor, type UpPrinter } from "./up-printer";
import type { UpOptions } from "./up-options";

const LOOK_MS = 500;
/** Rests of the run's own tokens and the bots': the longest that there are. */
const TOKEN_SECS = 3600;
const TOKEN_SLACK_MS = 300_000;

/** One `forge up`, from its first line to its last. */
export class UpSession {
  private bots: BotSwarm | undefined;
  private botsLine: BotsLine | undefined;
  private cancelRenewal: () => void = () => undefined;
  private faults: DemoFaults | undefined;
  private closing = false;
  private readonly tally: RunTally;
  private readonly watch: RunWatch;
  private readonly printer: UpPrinter;
  private readonly startedMs: number;

  private constructor(
    private readonly config: ForgeConfig,
    private readonly options: UpOptions,
    private readonly io: CliIo,
    private readonly run_: RunningRun,
    private readonly tokens: Tokens,
    private readonly log: Logger,
  ) {
    this.startedMs = io.now();
    const regions = run_.regions.map(({ name }) => name);
    this.tally = new RunTally(regions);
    this.printer = printerFor(options.json, io);
    this.watch = new RunWatch(
      this.api(),
      regions,
      (ms, signal) => io.sleep(ms, signal),
      (id, event) => {
        this.tally.event(event);
        this.printer.event(id, event);
      },
    );
  }

  static async start(config: ForgeConfig, options: UpOptions, context: CliContext): Promise<UpSession> {
    const { io } = context;
    const logs = join(dirname(options.configFile), ".forge", "run", "logs");
    const log = openRunLog(logs, (line) => context.note(line));
    const run = await startRun(config, options, context, log);
    return new UpSession(config, options, io, run, new Tokens(run.tokenKey, wallClock), log);
  }

  /** Until Ctrl-C, SIGTERM, the time asked for, or the end of root. */
  async run(): Promise<number> {
    const { run_: run, options, io } = this;
    const ending = new AbortController();
    const end = (): void => ending.abort();
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, end);
    let broken: Error | undefined;
    void run.broken.then((why) => {
      if (!ending.signal.aborted && !this.closing) broken = why;
      end();
    });
    const regions = Object.fromEntries(run.regions.map(({ name, url }) => [name, url]));
    const url = run.regions[0]?.url ?? "";
    const folder = dirname(options.configFile);
    writeRunFile(folder, {
      runId: run.runId,
      pid: process.pid,
      url,
      regions,
      tokenKey: run.tokenKey,
      startedAtMs: this.startedMs,
      detached: io.env["FORGE_DETACHED"] !== undefined,
    });
    let left: readonly number[];
    try {
      this.printer.ready({
        url,
        token: this.operatorToken(),
        regions,
        processes: await run.pids(),
        config: this.config,
        about: run.about,
      });
      this.watch.follow();
      this.startDemo(regions, url);
      const forMs = options.forSecs === undefined ? undefined : options.forSecs * 1000;
      await this.untilEnd(ending.signal, forMs);
      this.log.info("the time is over, or an end was asked for: bots leave");
      this.faults?.stop();
      this.cancelRenewal();
      const bots = await this.bots?.stop();
      if (bots) this.tally.botsEnded(bots);
      await this.look();
    } finally {
      this.closing = true;
      this.log.info("ending: no more events are followed");
      await this.watch.stop();
      this.log.info("ending: servers and programs");
      this.printer.closing();
      left = (await run.close()).left;
      removeRunFile(folder, run.runId);
      for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.off(signal, end);
      this.log.flush();
    }
    const summary = this.tally.result();
    this.printer.summary(summary, left);
    if (broken !== undefined) throw broken;
    return summary.playersLost > 0 || summary.maxSeatsOver > 0 || left.length > 0 ? EXIT.failed : EXIT.done;
  }

  /** Bots cannot renew the token that they were started with, so an endless demonstration starts new ones in time. */
  private startBots(experience: string, count: number, regions: Readonly<Record<string, string>>, url: string): void {
    this.bots = new BotSwarm({
      home: this.io.home,
      url,
      regions,
      token: this.tokens.mint({ sub: "demo-bots", role: "allocator", regions: ["*"], expiresInSecs: TOKEN_SECS }).token,
      experience,
      count,
      durationSecs: this.options.forSecs,
      runId: this.run_.runId,
      onLine: (line) => {
        this.botsLine = line;
        this.printer.bots(line);
      },
      onError: (text) => this.log.warn({ program: "bots" }, text),
    });
    this.cancelRenewal = systemClock.after(TOKEN_SECS * 1000 - TOKEN_SLACK_MS, () => {
      void this.bots?.stop().then((bots) => {
        if (bots) this.tally.botsEnded(bots);
        this.startBots(experience, count, regions, url);
      });
    });
  }

  private startDemo(regions: Readonly<Record<string, string>>, url: string): void {
    const { options, config, run_: run } = this;
    const { demo } = config;
    if (!options.demo || demo === undefined) return;
    this.startBots(demo.experience, options.bots ?? demo.bots, regions, url);
    this.faults = new DemoFaults({
      run,
      api: this.api(),
      experience: demo.experience,
      forMs: options.forSecs === undefined ? undefined : options.forSecs * 1000,
      regions: Object.keys(regions),
      clock: systemClock,
      onFault: (fault) => {
        if (fault.target === "server") this.tally.killed();
        this.printer.fault(fault);
      },
    });
  }

  /** Looks at the servers all the while: a server over its limit must not hide between two events. */
  private async untilEnd(signal: AbortSignal, forMs: number | undefined): Promise<void> {
    const endMs = forMs === undefined ? Infinity : this.io.now() + forMs;
    while (!signal.aborted && this.io.now() < endMs) {
      await this.look();
      await this.io.sleep(Math.min(LOOK_MS, Math.max(0, endMs - this.io.now())), signal).catch(() => undefined);
    }
  }

  private async look(): Promise<void> {
    try {
      const look = await this.watch.look();
      this.tally.servers(look.servers);
      this.printer.look(look, this.botsLine);
    } catch (error) {
      // A controller that was killed on purpose is away for a moment.
      this.log.info({ err: error }, "a look at the run failed");
    }
  }

  private api(): ForgeApi {
    let current = { token: "", expiresAtMs: 0 };
    return new ForgeApi({
      urls: this.run_.regions.map(({ url }) => url),
      token: () => {
        if (this.tokens.nowMs() > current.expiresAtMs - TOKEN_SLACK_MS)
          current = this.tokens.mint({ sub: "forge up", role: "viewer", regions: ["*"], expiresInSecs: TOKEN_SECS });
        return current.token;
      },
      unreachableFix: () => "look into .forge/run/logs",
    });
  }

  private operatorToken(): string {
    // The page that is opened with it stays signed in.
    const renewableForSecs = MAX_RENEWABLE_SECS;
    const actor = { sub: "operator", role: "operator", regions: ["*"] } as const;
    return this.tokens.mint({ ...actor, expiresInSecs: TOKEN_SECS, renewableForSecs }).token;
  }
}

/** On the engine that all regions are on. @throws {CliError} where it cannot be */
async function startRun(
  config: ForgeConfig,
  options: UpOptions,
  context: CliContext,
  log: Logger,
): Promise<RunningRun> {
  const { io } = context;
  if (config.regions.some(({ engine }) => engine === "nomad")) {
    const { NomadRun } = await import("./nomad-run");
    const paints = paintsFor(io.errColor);
    return NomadRun.start({
      config,
      context,
      clock: systemClock,
      tell: (event) => {
        log.info(event, "deploy");
        for (const line of eventLines(event, paints)) io.err(`${line}\n`);
      },
      onStep: (text) => {
        log.info(text);
        context.note(text);
      },
    });
  }
  return LocalRun.start({
    config,
    configFile: options.configFile,
    folder: dirname(options.configFile),
    home: io.home,
    processes: options.processes,
    port: options.port,
    env: io.env,
    clock: systemClock,
    log,
    onStep: (text) => log.info(text),
  });
}
