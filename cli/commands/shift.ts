import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parse } from "smol-toml";
import type { ShiftStatus } from "../../controller/api/schemas/shift";
import { errorMessage } from "../error-code";
import type { CliContext, Register } from "../context";
import { EXIT } from "../exit-code";
import { CliError } from "../failure";

const ACTIONS = ["start", "pause", "resume", "abort", "finish"] as const;
const WORDS = ["plan", "status", ...ACTIONS];

interface ShiftOptions {
  readonly experience?: string;
  readonly agones?: string;
  readonly namespace: string;
  readonly fleet?: string;
  readonly file?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** What a plan is where nothing else was said. docs/leaving-kubernetes.md explains each. */
const DEFAULTS = {
  steps: [1, 5, 10, 25, 50, 100],
  soakSecs: 86_400,
  gate: { holdSecs: 900, minMatches: 50, maxErrorRate: 0.01, maxP99Ms: 1000, maxLost: 0 },
};

export const register: Register = (command, context) => {
  command
    .argument("<what>", WORDS.join(", "))
    .option("--experience <name>", "whose new matches move, for plan")
    .option("--agones <url>", "Agones' allocator service, for plan")
    .option("--namespace <name>", "of the Fleet there", "default")
    .option("--fleet <name>", "the Fleet there (default: as the experience)")
    .option("--ca <file>", "on the controllers' machines: of the authority of the allocator's certificate")
    .option("--cert <file>", "there too: the client's certificate that the allocator asks for")
    .option("--key <file>", "and its key")
    .option("--file <file>", "TOML with steps, soakSecs, [gate] and [metric] for plan")
    .addHelpText(
      "after",
      "\nMoves new matches from an Agones cluster to Forge in steps; the gate of each is looked at before the next. Matches\n" +
        "that are played stay where they are. start is the sign-off; abort gives every new match to Agones again at once.",
    )
    .action((what: string, options: ShiftOptions) => run(what, options, context));
};

async function run(what: string, options: ShiftOptions, context: CliContext): Promise<void> {
  const action = ACTIONS.find((each) => each === what);
  if (action === undefined && what !== "plan" && what !== "status")
    throw usage(`there is no "${what}"`, `one of ${WORDS.join(", ")}`);
  const wish = what === "plan" ? wishOf(options, context) : undefined;
  const api = await context.api();
  const { region } = context.options;
  const at = { path: "/v1/shift", query: { region } };
  const status =
    wish !== undefined
      ? await api.json<ShiftStatus>({ method: "PUT", ...at, body: wish })
      : action !== undefined
        ? await api.json<ShiftStatus>({ method: "POST", ...at, body: { action } })
        : await api.get<ShiftStatus>(at.path, at.query);
  context.print(status, () => lines(status));
}

function wishOf(options: ShiftOptions, { io }: CliContext) {
  const { experience, agones, namespace, fleet, file, ca, cert, key } = options;
  const files = Object.entries({ caFile: ca, certFile: cert, keyFile: key }).filter(([, path]) => path !== undefined);
  const tls = files.length === 0 ? {} : { tls: Object.fromEntries(files) };
  if (experience === undefined || agones === undefined)
    throw usage(
      "plan needs an experience and the old cluster",
      "forge shift plan --experience arena --agones https://…",
    );
  const given = file === undefined ? {} : readPlan(resolve(io.cwd, file), file);
  const gate = { ...DEFAULTS.gate, ...(given["gate"] as object | undefined) };
  return {
    ...DEFAULTS,
    ...given,
    gate,
    experienceId: experience,
    agones: { url: agones, namespace, fleet: fleet ?? experience, ...tls },
  };
}

function readPlan(path: string, file: string): Record<string, unknown> {
  try {
    return parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw usage(`${file} cannot be read as TOML: ${errorMessage(error)}`, "docs/leaving-kubernetes.md has an example");
  }
}

function lines({ plan, measured, given, decommission }: ShiftStatus): readonly string[] {
  const { experienceId, agones, state, share, step, steps, reason } = plan;
  const { placed, failed, p99Ms, lost } = measured;
  const way = steps.map((each, at) => (at === step ? `[${each}]` : String(each))).join(" ");
  const time = p99Ms === null ? "" : `, p99 ${Math.round(p99Ms)} ms`;
  return [
    `shift of ${experienceId} from ${agones.namespace}/${agones.fleet} at ${agones.url}: ${state}`,
    `  steps ${way} %; Forge has ${share === undefined ? "all, without a look at the plan" : `${share} % of new matches`}`,
    `  ${reason}`,
    `  Forge in this step: ${placed} placed, ${failed} failed, ${lost} lost${time}; given by this leader: ${given.forge} Forge, ${given.agones} Agones`,
    ...(state === "planned"
      ? [
          "before the start look at:",
          "  the converted experience in forge.toml, and a match of it played on Forge",
          `  the allocator: POST ${agones.url}/gameserverallocation answers from where the controller runs`,
          "  who calls the allocator today: each of them has to ask POST /v1/allocations instead",
        ]
      : []),
    ...(state === "finished"
      ? ["what may be taken away, in this order:", ...decommission.map((each) => `  ${each}`)]
      : []),
  ];
}

function usage(problem: string, fix: string): CliError {
  return new CliError("usage", EXIT.badInput, problem, fix);
}
