import type { MatchAllocation, ServerSelector } from "../../controller/core/resources";
import type { CliContext, Register } from "../context";
import { experienceAt } from "../experience-at";
import { keyValue, several, wholeNumber } from "../numbers";

interface AllocateOptions {
  readonly match: string;
  readonly player: readonly string[];
  readonly label?: Readonly<Record<string, string>>;
  readonly select?: readonly ServerSelector[];
  readonly deadline?: number;
  readonly clientVersion?: string;
}

export const register: Register = (command, context) => {
  const gather = (player: string, before: readonly string[] = []) => [...before, player];
  command
    .argument("<experience>", "its name, or NAME@VERSION")
    .requiredOption("--match <id>", "id of the match; the same id again answers with the same server")
    .requiredOption("--player <id>", "a player of the match; once for each", gather)
    .option("--select <key=value,…>", "labels that the server must have; once more for the next best choice", selector)
    .option("--label <key=value>", "a label for the server while the match is on it; once for each", keyValue)
    .option("--client-version <version>", "of the players' own program: only a server that takes it is given")
    .option("--deadline <secs>", "how long to wait for a free server", wholeNumber(0, 600))
    .action((experience: string, options: AllocateOptions) => run(experience, options, context));
};

/** One choice: labels that all have to be there. @throws {InvalidArgumentError} */
function selector(text: string, before: readonly ServerSelector[] = []): readonly ServerSelector[] {
  const matchLabels = several(text).reduce((labels, pair) => keyValue(pair, labels), {});
  return [...before, { matchLabels }];
}

async function run(experience: string, options: AllocateOptions, context: CliContext): Promise<void> {
  const { match, player, label, select, deadline, clientVersion } = options;
  const { region } = context.options;
  const api = await context.api();
  const allocation = await api.json<MatchAllocation>({
    method: "POST",
    path: "/v1/allocations",
    timeoutMs: 30_000 + (deadline ?? 0) * 1000,
    body: {
      ...experienceAt(experience),
      matchId: match,
      players: player.map((playerId) => ({ playerId })),
      ...(region !== undefined && { region }),
      ...(clientVersion !== undefined && { clientVersion }),
      ...(select && { selectors: select }),
      ...(label && { labels: label }),
      ...(deadline !== undefined && { deadlineMs: deadline * 1000 }),
    },
  });
  context.print(allocation, () => [
    `${allocation.matchId} is on ${allocation.server.id} in ${allocation.server.region}: ${allocation.connection}`,
    ...Object.entries(allocation.tickets).map(([playerId, ticket]) => `  ${playerId}  ${ticket}`),
  ]);
}
