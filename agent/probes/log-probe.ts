import type { Clock } from "../../protocol/clock";
import type { ExpectedServer } from "../../protocol/messages";
import type { Finding, RunningProbes } from "../finding";
import { compilePattern, LineMatcher, type LineMatch } from "./line-matcher";
import { LogTail } from "./log-tail";

export interface LogProbeDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly warn: (message: string) => void;
}

type Pattern = "ready" | "joined" | "left";

/** Of players that old lines name, how many are remembered until the last old line was read. */
const MAX_OLD_PLAYERS = 10_000;

/**
 * Reads a server's output: when it is ready, and who comes and goes. Without a pattern for `ready` its first line is it.
 *
 * Lines that were there before, as after a restart of the agent, are told by their outcome alone: each player once, as
 * joined or as left. What happened long ago must not look like happening now.
 */
export class LogProbe implements RunningProbes {
  readonly #tail: LogTail;
  readonly #matcher: LineMatcher<Pattern>;
  readonly #old = new Map<string, "joined" | "left">();
  readonly #readyAtFirstLine: boolean;
  #ready: boolean;

  /** @throws {Error} where a pattern is no regular expression, or has no group for the player */
  constructor(
    server: Pick<ExpectedServer, "serverId" | "health" | "log"> & { readonly logFile: string },
    deps: LogProbeDeps,
    private readonly report: (finding: Finding) => void,
  ) {
    const { log, serverId } = server;
    const { check } = server.health;
    const ready = check.kind === "log" ? check.ready : undefined;
    const patterns = {
      ...(ready === undefined ? {} : { ready: compilePattern(ready, "health.log.ready", false) }),
      ...(log === undefined ? {} : { joined: compilePattern(log.joined, "log.joined", true) }),
      ...(log === undefined ? {} : { left: compilePattern(log.left, "log.left", true) }),
    };
    this.#ready = check.kind !== "log";
    this.#readyAtFirstLine = check.kind === "log" && ready === undefined;
    this.#matcher = new LineMatcher<Pattern>(patterns, (name) =>
      deps.warn(`the pattern "${name}" of server ${serverId} took too long on three lines and is not used any more`),
    );
    this.#tail = new LogTail({ file: server.logFile, ...deps, onLines: (lines, old) => this.#read(lines, old) });
  }

  stop(): Promise<void> {
    return this.#tail.stop();
  }

  #read(lines: readonly string[], old: boolean): void {
    if (this.#readyAtFirstLine && lines.length > 0) this.#becomeReady();
    for (const match of this.#matcher.match(lines)) {
      if (match.pattern === "ready") this.#becomeReady();
      else if (match.player === "") continue;
      else if (old) this.#remember(match.player, match.pattern);
      else this.#tell(match.player, match.pattern);
    }
    if (old && lines.length === 0) this.#tellOld();
  }

  #becomeReady(): void {
    if (this.#ready) return;
    this.#ready = true;
    this.report({ kind: "ready" });
  }

  #remember(player: string, was: "joined" | "left"): void {
    // Deleted first, so that the longest unheard of come first.
    this.#old.delete(player);
    this.#old.set(player, was);
    if (this.#old.size > MAX_OLD_PLAYERS) this.#old.delete(this.#old.keys().next().value ?? "");
  }

  #tellOld(): void {
    for (const [player, was] of this.#old) this.#tell(player, was);
    this.#old.clear();
  }

  #tell(player: string, was: LineMatch<"joined" | "left">["pattern"]): void {
    this.report({ kind: was === "joined" ? "playerJoined" : "playerLeft", player });
  }
}
