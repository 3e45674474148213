import type { Server } from "../../controller/core/resources";
import { serverColumns } from "../columns";
import type { CliContext, Register } from "../context";
import { experienceAt } from "../experience-at";
import { keyValue, wholeNumber } from "../numbers";
import { onlyRegion } from "../only-region";
import { renderTable } from "../table";

interface SpawnOptions {
  readonly count: number;
  readonly wait?: boolean;
  readonly label?: Readonly<Record<string, string>>;
  readonly maxPlayers?: number;
}

/** How many starts are asked for at once. */
const AT_ONCE = 8;
/** A controller gives up on a server that does not get ready before this. */
const READY_MS = 300_000;

export const register: Register = (command, context) => {
  command
    .argument("<experience>", "its name, or NAME@VERSION")
    .option("--count <n>", "how many", wholeNumber(1, 1000), 1)
    .option("--wait", "until they are ready")
    .option("--label <key=value>", "a label for each server; once for each label", keyValue)
    .option("--max-players <n>", "other than forge.toml says", wholeNumber(1, 10_000))
    .addHelpText("after", "\nWhere the run has several regions, --region (or FORGE_REGION) says in which.")
    .action((experience: string, options: SpawnOptions) => run(experience, options, context));
};

async function run(experience: string, options: SpawnOptions, context: CliContext): Promise<void> {
  const { count, wait, label, maxPlayers } = options;
  const wanted = experienceAt(experience);
  const api = await context.api();
  const region = context.options.region ?? (await onlyRegion(api));
  const call = {
    method: "POST",
    path: "/v1/servers",
    query: { wait: wait === true ? "ready" : undefined },
    timeoutMs: wait === true ? READY_MS : 30_000,
    body: {
      ...wanted,
      region,
      ...(label && { labels: label }),
      ...(maxPlayers !== undefined && { maxPlayers }),
    },
  } as const;
  if (wait === true)
    context.onTerminal("waiting until ready; Ctrl-C leaves what was asked for to start, as `forge ps` shows");
  const { servers, failure } = await times(count, () => api.json<Server>(call));
  if (servers.length > 0 || failure === undefined) show(servers, context);
  if (failure === undefined) return;
  if (servers.length > 0) context.note(`${servers.length} of ${count} were started; then:`);
  throw failure.error;
}

/** Stops asking after the first failure. */
async function times(
  count: number,
  start: () => Promise<Server>,
): Promise<{ readonly servers: readonly Server[]; readonly failure: { readonly error: unknown } | undefined }> {
  const servers: Server[] = [];
  let failure: { readonly error: unknown } | undefined;
  let left = count;
  const one = async (): Promise<void> => {
    while (left > 0 && failure === undefined) {
      left -= 1;
      try {
        servers.push(await start());
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, AT_ONCE) }, one));
  return { servers, failure };
}

function show(servers: readonly Server[], context: CliContext): void {
  const { paints, width, io } = context;
  context.print({ items: servers }, () =>
    renderTable(serverColumns(paints, io.now()), servers, { width, paintTitle: paints.dim }),
  );
}
