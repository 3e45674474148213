import type { CliContext, Register } from "../context";
import { endServer, peopleOn } from "../end-server";

export const register: Register = (command, context) => {
  command
    .argument("<server>", "id of the server")
    .option("--reason <text>", "for the events")
    .addHelpText(
      "after",
      "\nThe server is stopped now, with its players on it. Nobody waits for them to leave: they are looked for a place\n" +
        "elsewhere while it goes, as when a server fails, and the fleet starts another where it still needs one. The\n" +
        "process gets its stop command or signal and, after its grace period (stop.grace_secs), SIGKILL.",
    )
    .action((server: string, { reason }: { readonly reason?: string }) => run(server, reason, context));
};

async function run(serverId: string, reason: string | undefined, context: CliContext): Promise<void> {
  const server = await endServer(await context.api(), serverId, { force: true, drain: 0, reason });
  context.print(server, () => `${server.id} is ${server.state}: it stops now, with ${peopleOn(server)} on it`);
}
