/** What a ticket is assigned, as Open Match's REST has it. */
export interface Assignment {
  readonly connection: string;
  readonly extensions: Readonly<Record<string, { readonly value: string }>>;
}

/** As a game's frontend asks Open Match for a player: who it is, and what its client measured. @returns the ticket's id */
export async function wants(
  url: string,
  playerId: string,
  latencies: Readonly<Record<string, number>>,
): Promise<string> {
  const doubleArgs = Object.fromEntries(Object.entries(latencies).map(([region, ms]) => [`latency.${region}`, ms]));
  const body = JSON.stringify({ ticket: { searchFields: { stringArgs: { playerId }, doubleArgs } } });
  const answer = await fetch(`${url}/v1/frontendservice/tickets`, { method: "POST", body });
  return ((await answer.json()) as { readonly id: string }).id;
}

/** What has been assigned to a ticket; undefined as long as nothing was. */
export async function assignmentOf(url: string, ticketId: string): Promise<Assignment | undefined> {
  const answer = await fetch(`${url}/v1/frontendservice/tickets/${ticketId}`);
  const { assignment } = (await answer.json()) as { readonly assignment?: Assignment | null };
  return assignment ?? undefined;
}
