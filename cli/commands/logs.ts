import type { CliContext, Register } from "../context";
import { wholeNumber } from "../numbers";
import { linesOf } from "../text-stream";

interface LogsOptions {
  readonly follow?: boolean;
  readonly task?: string;
  readonly tail?: number;
}

const MAX_TAIL = 16 * 1024 * 1024;

export const register: Register = (command, context) => {
  command
    .argument("<server>", "id of the server")
    .option("-f, --follow", "go on until the server ends")
    .option("--task <role>", "of a role beside the primary, for example physics")
    .option("--tail <bytes>", "start so many bytes before the end (default: 65536)", wholeNumber(0, MAX_TAIL))
    .action((server: string, options: LogsOptions) => run(server, options, context));
};

async function run(serverId: string, { follow, task, tail }: LogsOptions, context: CliContext): Promise<void> {
  const api = await context.api();
  const path = `/v1/servers/${encodeURIComponent(serverId)}/logs`;
  const response = await api.open({ method: "GET", path, query: { follow, task, tailBytes: tail } });
  const { json } = context.options;
  for await (const line of linesOf(response)) {
    context.io.out(json ? `${JSON.stringify({ serverId, line })}\n` : `${line}\n`);
  }
}
