import type { CliContext, Register } from "../context";
import { endServer, peopleOn } from "../end-server";

export const register: Register = (command, context) => {
  command
    .argument("<server>", "id of the server")
    .option("--reason <text>", "for the events")
    .addHelpText(
      "after",
      "\nIts players are moved to other servers at once; when the last has gone it is stopped, by its own stop command\n" +
        "or signal, and after its grace period by SIGKILL. `forge drain` lets players finish first; `forge kill` waits\n" +
        "for nobody.",
    )
    .action((server: string, { reason }: { readonly reason?: string }) => run(server, reason, context));
};

async function run(serverId: string, reason: string | undefined, context: CliContext): Promise<void> {
  const server = await endServer(await context.api(), serverId, { drain: 0, reason });
  context.print(server, () => `${server.id} is ${server.state}: ${peopleOn(server)} to move, then it stops`);
}
