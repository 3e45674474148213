import type { Placement } from "../../controller/core/resources";
import type { CliContext, Register } from "../context";
import { renderTable } from "../table";

interface RouteOptions {
  readonly clientVersion?: string;
}

export const register: Register = (command, context) => {
  command
    .argument("<server>", "id of the server")
    .argument("<players...>", "ids of the players: all get a seat, or none")
    .option("--client-version <version>", "of the players' own program: refused where the server does not take it")
    .action((server: string, players: readonly string[], options: RouteOptions) =>
      run(server, { players, ...options }, context),
    );
};

async function run(
  serverId: string,
  body: RouteOptions & { readonly players: readonly string[] },
  context: CliContext,
): Promise<void> {
  const api = await context.api();
  const path = `/v1/servers/${encodeURIComponent(serverId)}/sessions`;
  const { items } = await api.json<{ readonly items: readonly Placement[] }>({
    method: "POST",
    path,
    body,
  });
  // The ticket is what a player connects with: it is never cut.
  context.print({ items }, () =>
    renderTable<Placement>(
      [
        { title: "PLAYER", cell: ({ session }) => session.playerId },
        { title: "SESSION", cell: ({ session }) => session.id },
        { title: "ADDRESS", cell: ({ server }) => addressesOf(server) },
        { title: "TICKET", cell: ({ ticket }) => ticket },
      ],
      items,
      { paintTitle: context.paints.dim },
    ),
  );
}

/** `127.0.0.1 game=20104`; the SDK's own port is none for players. */
function addressesOf({ address, ports }: Placement["server"]): string {
  const named = Object.entries(ports).filter(([name]) => name !== "sdk");
  return [address, ...named.map(([name, port]) => `${name}=${port}`)].join(" ");
}
