import type { Role } from "../../controller/api/backend";
import { ALL_REGIONS, MAX_RENEWABLE_SECS, type Tokens } from "../../controller/tokens";
import type { CliContext, Register } from "../context";
import { EXIT } from "../exit-code";
import { CliError } from "../failure";
import { several, wholeNumber } from "../numbers";
import type { RunAccess } from "../deploy/regions-on-nomad";

interface TokenOptions {
  readonly role: string;
  readonly sub?: string;
  readonly regions?: readonly string[];
  readonly expires: number;
  readonly renewable?: number;
}

interface Token {
  readonly token: string;
  readonly sub: string;
  readonly role: string;
  readonly regions: readonly string[];
  readonly expiresAt: string;
}

const ROLES: readonly Role[] = ["operator", "allocator", "player", "server", "viewer"];

export const register: Register = (command, context) => {
  command
    .option("--role <role>", `one of ${ROLES.join(", ")}`, "viewer")
    .option("--sub <name>", "who it is for: a player's playerId, a server's id, else any name (default: yours)")
    .option("--regions <names>", "only these, separated by commas (default: all)", several)
    .option("--expires <secs>", "how long it is good for, 3600 at most", wholeNumber(1, 3600), 3600)
    .option(
      "--renewable <secs>",
      "its owner, such as the dashboard, may renew it for so long (default: not at all)",
      wholeNumber(0, MAX_RENEWABLE_SECS),
    )
    .addHelpText(
      "after",
      "\nWhere the run's own file is (the folder of `forge up`), any role can be made. Elsewhere the controller makes\n" +
        "tokens of lesser roles for whoever shows an operator's.",
    )
    .action((options: TokenOptions) => run(options, context));
};

async function run({ role, sub, regions, expires, renewable }: TokenOptions, context: CliContext): Promise<void> {
  if (!isRole(role)) throw usage(`there is no role ${JSON.stringify(role)}`, `use one of ${ROLES.join(", ")}`);
  if (sub === undefined && (role === "player" || role === "server")) {
    throw usage(
      `whose token? A ${role}'s names it`,
      `give ${role === "player" ? "--sub PLAYER_ID" : "--sub SERVER_ID"}`,
    );
  }
  const connection = await import("../connection");
  const wanted = { role, sub: sub ?? connection.userName(), regions, expires, renewable };
  const local = await connection.localRun(context.options, context.io);
  const made =
    local === undefined
      ? await byController(wanted, context)
      : byRun(
          wanted,
          local,
          connection.tokensOf(local, () => context.io.now()),
        );
  context.print(made, () => made.token);
}

interface Wanted {
  readonly role: Role;
  readonly sub: string;
  readonly regions: readonly string[] | undefined;
  readonly expires: number;
  readonly renewable: number | undefined;
}

/** The run's own key makes any role. */
function byRun(
  { role, sub, regions = [ALL_REGIONS], expires, renewable }: Wanted,
  run: RunAccess,
  tokens: Tokens,
): Token {
  const unknown = regions.find((name) => name !== ALL_REGIONS && !Object.hasOwn(run.regions, name));
  if (unknown !== undefined) {
    const fix = `it has ${Object.keys(run.regions).join(", ")}`;
    throw new CliError("unknownRegion", EXIT.notFound, `the run has no region ${JSON.stringify(unknown)}`, fix);
  }
  const { token, expiresAtMs } = tokens.mint({
    sub,
    role,
    regions,
    expiresInSecs: expires,
    renewableForSecs: renewable,
  });
  return { token, sub, role, regions, expiresAt: new Date(expiresAtMs).toISOString() };
}

async function byController({ role, sub, regions, expires, renewable }: Wanted, context: CliContext): Promise<Token> {
  if (role === "operator") {
    const fix = "run `forge token` in the folder of that run's `forge up`";
    throw new CliError("roleNotAllowed", EXIT.refused, "a controller makes no operator's tokens", fix);
  }
  const api = await context.api();
  const body = {
    role,
    sub,
    expiresInSecs: expires,
    ...(regions && { regions }),
    ...(renewable !== undefined && { renewableForSecs: renewable }),
  };
  return api.json<Token>({ method: "POST", path: "/v1/tokens", body });
}

function isRole(text: string): text is Role {
  return ROLES.some((role) => role === text);
}

function usage(problem: string, fix: string): CliError {
  return new CliError("usage", EXIT.badInput, problem, fix);
}
