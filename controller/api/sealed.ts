import type { Waiting } from "../core/decision";
import type { Queued } from "../core/resources";
import type { ApiContext } from "./api-context";
import { sealQueueTicket } from "./queue-seal";

/** A wait as its player is told of it: with a ticket that carries it. */
export function sealed({ claim, ...queued }: Waiting, { ticketSecrets }: Pick<ApiContext, "ticketSecrets">): Queued {
  const [secret] = ticketSecrets();
  return secret === undefined ? queued : { ...queued, queueTicket: sealQueueTicket(secret, queued.queueTicket, claim) };
}
