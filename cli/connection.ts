import { userInfo } from "node:os";
import { relative } from "node:path";
import { ALL_REGIONS, Tokens } from "../controller/tokens";
import { ForgeApi } from "./api";
import { folderOf, type GlobalOptions } from "./context";
import { EXIT } from "./exit-code";
import { CliError } from "./failure";
import type { CliIo } from "./io";
import { findRunFile, type FoundRun, isRunning, type RunFile, RunFileError } from "./run-file";

/** Tokens that the command makes for itself live so long, and are made anew in time. */
const TOKEN_SECS = 600;

/**
 * Where the command's calls go: `--addr` or `FORGE_ADDR`, else the local run of this folder or of one above it. For a
 * local run the command makes its own operator's token, as whoever may read the run's file is its operator.
 *
 * @throws {CliError} where there is nothing to talk to
 */
export function connect(options: GlobalOptions, io: Place): ForgeApi {
  const found = runOf(options, io.cwd);
  const urls = options.addr === undefined ? urlsOf(mustExist(found).run, options.region) : [addressOf(options.addr)];
  const own = localRun(options, io);
  const mint = own === undefined ? undefined : ownTokens(own.run, io.now);
  return new ForgeApi({
    urls,
    token: () => options.token ?? mint?.(),
    unreachableFix: () => unreachableFix(options.addr === undefined ? found : own, io.cwd),
  });
}

type Place = Pick<CliIo, "cwd" | "now">;

/** The local run, where the command acts on it as its operator; undefined where it uses a token it was given, or another run. */
export function localRun(options: GlobalOptions, { cwd }: Pick<Place, "cwd">): FoundRun | undefined {
  if (options.token !== undefined) return undefined;
  const found = runOf(options, cwd);
  return found !== undefined && (options.addr === undefined || isOneOf(found.run, options.addr)) ? found : undefined;
}

/** An operator's tokens for the run, each used until it has a minute left. */
export function ownTokens(run: RunFile, now: () => number): () => string {
  const tokens = tokensOf(run, now);
  let current: { readonly token: string; readonly expiresAtMs: number } | undefined;
  return () => {
    if (current === undefined || current.expiresAtMs - now() < 60_000) {
      current = tokens.mint({ sub: userName(), role: "operator", regions: [ALL_REGIONS], expiresInSecs: TOKEN_SECS });
    }
    return current.token;
  };
}

export function tokensOf({ tokenKey }: RunFile, now: () => number): Tokens {
  return new Tokens(tokenKey, { now, after: () => () => undefined });
}

/** Who the audit log names. */
export function userName(): string {
  try {
    return userInfo().username.slice(0, 128) || "operator";
  } catch {
    // A user id without an entry in the system's list of users.
    return "operator";
  }
}

/** A run file that cannot be read matters only to those who need it. */
function runOf(options: GlobalOptions, cwd: string): FoundRun | undefined {
  try {
    return findRunFile(folderOf(options, cwd));
  } catch (error) {
    if (options.addr !== undefined) return undefined;
    if (error instanceof RunFileError) throw new CliError("runFile", EXIT.failed, error.message);
    throw error;
  }
}

function mustExist(found: FoundRun | undefined): FoundRun {
  if (found !== undefined) return found;
  const message = "no run was found: neither this folder nor any above it has a .forge/run.json";
  const fix = "start one with `forge up`, or name a controller with --addr http://HOST:PORT (or FORGE_ADDR)";
  throw new CliError("noRun", EXIT.unreachable, message, fix);
}

/** The asked region's controller first: it answers without passing the call on. */
function urlsOf({ url, regions }: RunFile, region: string | undefined): readonly string[] {
  const own = region === undefined ? undefined : regions[region];
  return [...new Set([...(own === undefined ? [] : [own]), url, ...Object.values(regions)])].map(trimmed);
}

function addressOf(addr: string): string {
  const url = URL.canParse(addr) ? new URL(addr) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.username === "" && url.search === "")
    return trimmed(addr);
  const fix = "write scheme, host and port: http://127.0.0.1:7700";
  throw new CliError("address", EXIT.badInput, `${JSON.stringify(addr)} is not a controller's address`, fix);
}

function isOneOf({ url, regions }: RunFile, asked: string): boolean {
  return [url, ...Object.values(regions)].some((known) => trimmed(known) === trimmed(asked));
}

function trimmed(url: string): string {
  return url.replace(/\/+$/, "");
}

function unreachableFix(found: FoundRun | undefined, cwd: string): string {
  if (found === undefined) return "check the address, and that the controller runs";
  const file = relative(cwd, found.file) || found.file;
  if (isRunning(found.run)) return `the run's process ${found.run.pid} is there: wait a moment, or look at its output`;
  return `that run (${file}, process ${found.run.pid}) has ended; start one with \`forge up\``;
}
