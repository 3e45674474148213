import type { Region } from "../../controller/core/resources";
import type { CliContext, Register } from "../context";
import { endServer, peopleOn } from "../end-server";
import { EXIT } from "../exit-code";
import { CliError } from "../failure";
import { wholeNumber } from "../numbers";

interface DrainOptions {
  readonly deadline?: number;
  readonly undo?: boolean;
  readonly reason?: string;
}

const DEFAULT_DEADLINE_SECS = 600;

export const register: Register = (command, context) => {
  command
    .argument("<target>", "id of a server, or the word `region`")
    .argument("[name]", "name of the region")
    .usage("[options] SERVER | region NAME")
    .option(
      "--deadline <secs>",
      "how long players may stay (default: 600 on a server, 0 in a region)",
      wholeNumber(0, 86_400),
    )
    .option("--undo", "let a drained region take players again")
    .option("--reason <text>", "for the events, of a server")
    .addHelpText(
      "after",
      "\nA server takes no new players. It is stopped when its last one has left; who is there at the deadline is moved.\n" +
        "A region takes no new players, and moves those it has to other regions: at once, or after --deadline seconds.",
    )
    .action((target: string, name: string | undefined, options: DrainOptions) =>
      target === "region" ? drainRegion(name, options, context) : drainServer(target, name, options, context),
    );
};

async function drainServer(
  serverId: string,
  extra: string | undefined,
  { deadline = DEFAULT_DEADLINE_SECS, undo, reason }: DrainOptions,
  context: CliContext,
): Promise<void> {
  if (extra !== undefined)
    throw usage(`${extra} is too much beside the server ${serverId}`, "drain one server at a time");
  if (undo === true) {
    throw usage("a server that drains is not taken back", "it stops when it is empty; `forge spawn` starts another");
  }
  const server = await endServer(await context.api(), serverId, { drain: deadline, reason });
  context.print(
    server,
    () => `${server.id} is ${server.state}: ${peopleOn(server)} may stay for ${deadline} s at most, then it stops`,
  );
}

async function drainRegion(
  name: string | undefined,
  { deadline, undo = false, reason }: DrainOptions,
  context: CliContext,
): Promise<void> {
  if (name === undefined) throw usage("which region?", "write its name: forge drain region us-east");
  if (reason !== undefined) throw usage("--reason is for servers", "the audit log says who drained a region");
  if (undo && deadline !== undefined) throw usage("--deadline and --undo exclude each other", "leave one of them out");
  const api = await context.api();
  const after = deadline === undefined ? "" : `?after=${String(deadline)}`;
  const path = `/v1/regions/${encodeURIComponent(name)}/drain${after}`;
  const region = await api.json<Region>({ method: undo ? "DELETE" : "POST", path });
  context.print(region, () =>
    undo
      ? `region ${region.name} is ${region.state} and takes players again`
      : `region ${region.name} is ${region.state}: no new players come, ${region.drain?.left ?? 0} sessions go to other regions${stuckText(region)}`,
  );
}

function stuckText({ drain }: Region): string {
  const reasons = Object.values(drain?.stuck ?? {});
  return reasons.length === 0 ? "" : `; ${reasons.join("; ")}`;
}

function usage(problem: string, fix: string): CliError {
  return new CliError("usage", EXIT.badInput, problem, fix);
}
