import { userInfo } from "node:os";
import { relative, resolve } from "node:path";
import { ALL_REGIONS, Tokens } from "../controller/tokens";
import { ForgeApi } from "./api";
import type { RunAccess } from "./deploy/regions-on-nomad";
import { EXIT } from "./exit-code";
import { CliError } from "./failure";
import { folderOf, type GlobalOptions } from "./global-options";
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
export async function connect(options: GlobalOptions, io: Place): Promise<ForgeApi> {
  const known = await knownRun(options, io);
  const urls = options.addr === undefined ? urlsOf(mustExist(known).access, options.region) : [addressOf(options.addr)];
  if (urls.some((url) => url.startsWith("https:"))) {
    const { trustRun } = await import("./deploy/trust-run");
    trustRun(folderOf(options, io.cwd));
  }
  const own = operated(known, options);
  const mint = own === undefined ? undefined : ownTokens(own.access, io.now);
  return new ForgeApi({
    urls,
    token: () => options.token ?? mint?.(),
    unreachableFix: () => (options.addr === undefined ? known : own)?.unreachableFix() ?? CHECK_ADDRESS,
  });
}

type Place = Pick<CliIo, "cwd" | "now" | "env">;

/** A run that this folder has something of: what it takes to call it, and what to do where it does not answer. */
interface KnownRun {
  readonly access: RunAccess;
  readonly unreachableFix: () => string;
}

/** The run of this folder, where the command acts on it as its operator; undefined where it uses a token it was given, or another run. */
export async function localRun(options: GlobalOptions, io: Place): Promise<RunAccess | undefined> {
  return options.token === undefined ? operated(await knownRun(options, io), options)?.access : undefined;
}

function operated(known: KnownRun | undefined, { token, addr }: GlobalOptions): KnownRun | undefined {
  if (token !== undefined || known === undefined) return undefined;
  return addr === undefined || isOneOf(known.access, addr) ? known : undefined;
}

/** What runs on this machine comes first; then what was deployed on Nomad; then a run that has ended. */
async function knownRun(options: GlobalOptions, { cwd, env }: Place): Promise<KnownRun | undefined> {
  const found = runOf(options, cwd);
  const here = found && { access: found.run, unreachableFix: () => unreachableFix(found, cwd) };
  if (found !== undefined && isRunning(found.run)) return here;
  return (await onNomad(options, cwd, env)) ?? here;
}

/** As with a run's file: what cannot be read matters only to those who named no address. */
async function onNomad(options: GlobalOptions, cwd: string, env: Place["env"]): Promise<KnownRun | undefined> {
  const { regionsOnNomad } = await import("./deploy/regions-on-nomad");
  try {
    const file = options.config === undefined ? undefined : resolve(cwd, options.config);
    const access = await regionsOnNomad(folderOf(options, cwd), env, file);
    return access && { access, unreachableFix: () => NOMAD_FIX };
  } catch (error) {
    if (options.addr !== undefined) return undefined;
    throw error;
  }
}

const CHECK_ADDRESS = "check the address, and that the controller runs";
const NOMAD_FIX =
  "its jobs are deployed: `nomad job status` says whether the controller runs, `forge deploy` makes it so";

/** An operator's tokens for the run, each used until it has a minute left. */
export function ownTokens(run: Pick<RunFile, "tokenKey">, now: () => number): () => string {
  const tokens = tokensOf(run, now);
  let current: { readonly token: string; readonly expiresAtMs: number } | undefined;
  return () => {
    if (current === undefined || current.expiresAtMs - now() < 60_000) {
      current = tokens.mint({ sub: userName(), role: "operator", regions: [ALL_REGIONS], expiresInSecs: TOKEN_SECS });
    }
    return current.token;
  };
}

export function tokensOf({ tokenKey }: Pick<RunFile, "tokenKey">, now: () => number): Tokens {
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

function mustExist(known: KnownRun | undefined): KnownRun {
  if (known !== undefined) return known;
  const message = "no run was found: neither this folder nor any above it has a .forge/run.json or deployed regions";
  const fix = "start one with `forge up`, or name a controller with --addr http://HOST:PORT (or FORGE_ADDR)";
  throw new CliError("noRun", EXIT.unreachable, message, fix);
}

/** The asked region's controller first: it answers without passing the call on. */
function urlsOf({ url, regions }: RunAccess, region: string | undefined): readonly string[] {
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

function isOneOf({ url, regions }: RunAccess, asked: string): boolean {
  return [url, ...Object.values(regions)].some((known) => trimmed(known) === trimmed(asked));
}

function trimmed(url: string): string {
  return url.replace(/\/+$/, "");
}

function unreachableFix(found: FoundRun, cwd: string): string {
  const file = relative(cwd, found.file) || found.file;
  if (isRunning(found.run)) return `the run's process ${found.run.pid} is there: wait a moment, or look at its output`;
  return `that run (${file}, process ${found.run.pid}) has ended; start one with \`forge up\``;
}
