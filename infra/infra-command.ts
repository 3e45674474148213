import { parseArgs } from "node:util";
import { existsSync } from "node:fs";
import { engineOfEnv } from "../config/engine-name";
import { ConfigError, describeProblems } from "../config/problem";
import type { ConfigFlags } from "../config/resolve";
import { bootstrapRegion } from "./bootstrap/bootstrap-region";
import { forgetRegion } from "./forget/forget-region";
import { asInfraError, InfraError, INFRA_EXIT } from "./failure";
import type { LocalRegion } from "./local/agent-plan";
import type { LocalHost } from "./local/local-host";
import { bringDown } from "./local/region-down";
import { lockRegion } from "./local/region-lock";
import { regionStatus } from "./local/region-status";
import { bringUp } from "./local/region-up";
import { configuredRegion, localRegionOf, type ConfiguredRegion } from "./region-of";
import { placeSecrets } from "./secrets/secrets-action";

export const USAGE = `infra ACTION REGION [--config FILE] [--engine nomad] [--json]

Hosts of a region on this machine (engine = "nomad", hosts = "local"), and what of a region no provider can do. --engine nomad is as with \`forge up\`.

  up         start what of the region's agents does not run
  bootstrap  the same, and let in who has a token: ACLs, Vault's store, tokens for deploying in secrets/
  secrets    put the run's secrets where the region's programs read them; of any region with engine = "nomad".
             --gate-job JOB: for a version of the gate that is deployed next; --remove takes them away
  forget     take away what a region on somebody else's cluster wrote beside Terraform: once its jobs are gone
  status     say what runs
  down       end all of it; --purge takes its data and secrets away as well
`;

export interface InfraIo extends LocalHost {
  out(text: string): void;
  err(text: string): void;
}

interface InfraCall {
  readonly action: Action;
  readonly region: string;
  readonly config: string;
  readonly flags: ConfigFlags;
  readonly purge: boolean;
  readonly remove: boolean;
  readonly gateJob: string | undefined;
  readonly json: boolean;
}

/** The result of an action: `value` for `--json`, `lines` for people. */
interface Outcome {
  readonly value: unknown;
  readonly lines: readonly string[];
}

type Run<R = ConfiguredRegion> = (region: R, call: InfraCall, io: InfraIo) => Promise<Outcome>;

const ACTIONS = {
  up: exclusively(async (region, _call, io) => {
    const result = await bringUp(region, io);
    const { started, kept, outdated } = result;
    return {
      value: { region: region.name, ...result },
      lines: [
        `${region.name} is up: started ${list(started)}; ran already: ${list(kept)}`,
        ...outdated.map(
          (name) => `${name} runs with an older configuration: \`infra down\`, then \`infra up\` renews it`,
        ),
      ],
    };
  }),
  bootstrap: exclusively(async (region, _call, io) => {
    await bringUp(region, io);
    const done = await bootstrapRegion(region, io);
    const lines =
      done.length === 0 ? [`${region.name} was bootstrapped already`] : done.map((line) => `${region.name}: ${line}`);
    return { value: { region: region.name, done }, lines };
  }),
  secrets: async ({ region, folder }, { gateJob, remove }, io) => {
    const result = await placeSecrets(region, folder, io.env, { gateJob, remove });
    const place = result.place === "vault" ? "Vault" : "Nomad's variables";
    const how = remove ? "are not" : result.written ? "are" : "were already";
    const lines = [`${region.name}: the run's secrets ${how} in ${place}`];
    return { value: { region: region.name, ...result }, lines };
  },
  forget: async ({ region, folder }, _call, io) => {
    const result = await forgetRegion(region, folder, { env: io.env, now: io.now, pause: io.pause });
    const left = result.left.map((what) => `${region.name}: left behind: ${what}`);
    return {
      value: { region: region.name, ...result },
      lines: [`${region.name}: took away ${list(result.removed)}`, ...left],
    };
  },
  status: async (configured) => {
    const status = await regionStatus(localRegionOf(configured));
    const lines = status.agents.map(
      ({ name, state, pid }) => `${name.padEnd(13)} ${state}${pid === undefined ? "" : ` (process ${String(pid)})`}`,
    );
    return { value: status, lines };
  },
  down: exclusively(async (region, { purge }, io) => {
    const result = await bringDown(region, io, { purge, others: [] });
    const strays = result.strays === 0 ? "" : `; ${String(result.strays)} processes without an agent ended`;
    return {
      value: { region: region.name, ...result },
      lines: [`${region.name} is down: stopped ${list(result.stopped)}${strays}${purge ? "; its folder is gone" : ""}`],
    };
  }),
} satisfies Record<string, Run>;

type Action = keyof typeof ACTIONS;

/** Runs one command line. @returns its exit code */
export async function runInfra(args: readonly string[], io: InfraIo): Promise<number> {
  let json = args.includes("--json");
  try {
    const call = readCall(args, io.env);
    if (call === "help") {
      io.out(USAGE);
      return INFRA_EXIT.done;
    }
    ({ json } = call);
    const configured = configuredRegion(call.config, call.region, io.env, call.flags);
    const { value, lines } = await ACTIONS[call.action](configured, call, io);
    if (json) io.out(`${JSON.stringify(value)}\n`);
    else io.err(lines.map((line) => `${line}\n`).join(""));
    return INFRA_EXIT.done;
  } catch (error) {
    return report(error, json, io);
  }
}

function readCall(args: readonly string[], env: InfraIo["env"]): InfraCall | "help" {
  const options = {
    config: { type: "string", default: "forge.toml" },
    engine: { type: "string" },
    purge: { type: "boolean", default: false },
    "gate-job": { type: "string" },
    remove: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  } as const;
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new InfraError("badInput", (error as Error).message, "see `infra --help`");
  }
  const { values, positionals } = parsed;
  if (values.help) return "help";
  const [action, region, ...more] = positionals;
  if (action === undefined || !isAction(action)) {
    const message = action === undefined ? "no action was given" : `there is no action "${action}"`;
    throw new InfraError("badInput", message, `use one of: ${Object.keys(ACTIONS).join(", ")}`);
  }
  if (region === undefined || more.length > 0) {
    throw new InfraError("badInput", `${action} takes one region`, "name one of forge.toml's [[regions]]");
  }
  const { engine } = values;
  if (engine !== undefined && engine !== "nomad") {
    throw new InfraError(
      "badInput",
      `--engine ${engine} has no hosts to start`,
      "leave it out, or write --engine nomad",
    );
  }
  const flags: ConfigFlags = { engine: engine === undefined ? engineOfEnv(env) : "nomad" };
  const { config, purge, json, remove, "gate-job": gateJob } = values;
  return { action, region, flags, config, purge, json, remove, gateJob };
}

function isAction(text: string): text is Action {
  return Object.hasOwn(ACTIONS, text);
}

/** Holds the region's lock while it runs. A region that has no folder has nothing to end, and keeps having none. */
function exclusively(run: Run<LocalRegion>): Run {
  return async (configured, call, io) => {
    const region = localRegionOf(configured);
    const existed = existsSync(region.folder.path);
    region.folder.make();
    const unlock = lockRegion(region.folder.run("lock"), region.name);
    try {
      return await run(region, call, io);
    } finally {
      unlock();
      if (!existed && call.action === "down") region.folder.remove();
    }
  };
}

function report(error: unknown, json: boolean, io: InfraIo): number {
  if (error instanceof ConfigError) {
    const { file, problems } = error;
    if (json) io.out(`${JSON.stringify({ error: { code: "badInput", file, problems } })}\n`);
    else io.err(`${describeProblems(problems, { file, color: false })}\n`);
    return INFRA_EXIT.badInput;
  }
  const { code, message, fix, exitCode } = asInfraError(error);
  if (json) io.out(`${JSON.stringify({ error: { code, detail: message, fix, exitCode } })}\n`);
  io.err(`infra: ${message}\n  fix: ${fix}\n`);
  return exitCode;
}

function list(names: readonly string[]): string {
  return names.length === 0 ? "nothing" : names.join(", ");
}
