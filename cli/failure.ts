import type { FieldProblem, Problem } from "../controller/problems";
import { ConfigError, describeProblems, type Problem as ConfigProblem } from "../config/problem";
import { errorMessage } from "./error-code";
import { EXIT, type ExitCode } from "./exit-code";
import type { Paints } from "./paint";

/** A command that cannot do what it was asked, said to people: what is wrong, and what to do. */
export class CliError extends Error {
  constructor(
    readonly code: string,
    readonly exitCode: ExitCode,
    message: string,
    /** What to do about it, as a sentence without its full stop. */
    readonly fix?: string,
  ) {
    super(message);
    this.name = "CliError";
  }
}

/** What a controller answered instead of a result. */
export class ApiError extends Error {
  constructor(
    /** `GET /v1/servers` */
    readonly call: string,
    readonly problem: Partial<Problem> & { readonly status: number },
  ) {
    super(problem.detail ?? problem.title ?? `the controller answered ${problem.status}`);
    this.name = "ApiError";
  }

  get code(): string {
    return this.problem.code ?? `http${this.problem.status}`;
  }

  get exitCode(): ExitCode {
    const { status, code } = this.problem;
    if (status === 401 || status === 403 || status === 421) return EXIT.refused;
    if (status === 404) return EXIT.notFound;
    if (code === "regionUnavailable" || code === "regionTimeout" || code === "closing") return EXIT.unreachable;
    return [400, 405, 413, 414, 415, 422].includes(status) ? EXIT.badInput : EXIT.failed;
  }
}

/** A failure as `--json` prints it: a problem of RFC 9457, with what to do and the exit code. */
export interface FailureReport {
  readonly type: string;
  readonly title: string;
  readonly code: string;
  readonly detail: string;
  readonly exitCode: ExitCode;
  readonly status?: number;
  readonly fix?: string;
  readonly errors?: readonly FieldProblem[];
  readonly requestId?: string;
  /** Of a forge.toml: all that is wrong with it. */
  readonly file?: string;
  readonly problems?: readonly ConfigProblem[];
}

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof ConfigError) return EXIT.badInput;
  return error instanceof CliError || error instanceof ApiError ? error.exitCode : EXIT.failed;
}

export function reportOf(error: unknown): FailureReport {
  if (error instanceof ApiError) {
    const { type = "about:blank", title = "The controller refused", status, errors, requestId } = error.problem;
    const fix = FIXES[error.code];
    return {
      type,
      title,
      code: error.code,
      detail: error.message,
      exitCode: error.exitCode,
      status,
      ...(fix !== undefined && { fix }),
      ...(errors && { errors }),
      ...(requestId !== undefined && { requestId }),
    };
  }
  if (error instanceof ConfigError) {
    const { code, file, problems } = error;
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    return {
      type: `urn:forge:cli:${code}`,
      title: "The configuration is not valid",
      code,
      detail: `${file} has ${count}`,
      exitCode: EXIT.badInput,
      file,
      problems,
    };
  }
  const known = error instanceof CliError ? error : undefined;
  const code = known?.code ?? "failed";
  return {
    type: `urn:forge:cli:${code}`,
    title: known === undefined ? "The command failed" : "The command cannot be done",
    code,
    detail: errorMessage(error),
    exitCode: exitCodeOf(error),
    ...(known?.fix !== undefined && { fix: known.fix }),
  };
}

/** The failure as people read it, on a few lines. */
export function describeFailure(error: unknown, paints: Paints): string {
  if (error instanceof ConfigError) {
    return describeProblems(error.problems, { file: error.file, color: paints.isColorSupported });
  }
  const { detail, fix, errors = [], code, requestId } = reportOf(error);
  const of = error instanceof ApiError ? paints.dim(` (${code})`) : "";
  // Of one field problem the detail says all.
  const fields = errors.length > 1 ? errors.map((each) => `  ${each.pointer}: ${each.detail}`) : [];
  const lines = [`${paints.red("forge:")} ${inFlags(detail)}${of}`, ...fields];
  if (fix !== undefined) lines.push(`  ${paints.green("fix:")} ${fix}`);
  if (code === "internal" && requestId !== undefined) lines.push(`  request ${requestId}`);
  return lines.join("\n");
}

/** Of what a flag became the answer names the place in the call. */
function inFlags(detail: string): string {
  return detail.replace(/^\/query\/(state|type):/, "--$1:");
}

/** What to do about answers where the answer itself cannot know it. */
const FIXES: Readonly<Record<string, string>> = {
  credentialsMissing: "give an operator's token: FORGE_TOKEN, or --token",
  tokenMalformed: "check FORGE_TOKEN or --token: it was cut or is something else",
  tokenSignature: "the token is of another run; take the one that this run's `forge up` printed",
  tokenExpired: "tokens live an hour at most; mint another with `forge token`, where the run's file is",
  roleNotAllowed: "use a token of a role that may: an operator's may do everything",
  regionNotAllowed: "use a token for that region, or name another with --region",
  unknownServer: "`forge ps` lists the servers",
  unknownRegion: "`forge ps --regions` lists the regions",
  unknownExperience: "`forge ps --fleets` lists what runs where",
  partyTooLarge: "split the party, or raise max_players in forge.toml",
  noCapacity: "raise max_servers in forge.toml, or wait until servers are free",
};
