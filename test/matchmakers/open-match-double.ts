import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import type { Assignment } from "./open-match-tickets";

/**
 * A double of Open Match where it is not installed: tickets of the frontend, one match of all of them, assignments, and
 * release, with the bodies that Open Match's own REST was seen to have.
 */
export class OpenMatchDouble {
  readonly #tickets = new Map<string, { ticket: object; assignment?: Assignment }>();
  readonly #pending = new Set<string>();

  private constructor(private readonly server: Server) {}

  static async start(): Promise<OpenMatchDouble> {
    const server = createServer((request, response) => {
      void (async () => {
        const body = request.method === "POST" ? ((await json(request)) as Record<string, never>) : {};
        const answer = double.#answer(request.url ?? "", body);
        response.writeHead(answer === undefined ? 404 : 200, { "content-type": "application/json" });
        response.end(JSON.stringify(answer ?? {}));
      })();
    });
    const double = new OpenMatchDouble(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return double;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    const closed = once(this.server.close(), "close");
    this.server.closeAllConnections();
    await closed;
  }

  #answer(url: string, body: Record<string, never>): object | undefined {
    const read = /^\/v1\/frontendservice\/tickets\/(.+)$/.exec(url);
    if (read)
      return { ...this.#tickets.get(read[1] ?? "")?.ticket, assignment: this.#tickets.get(read[1] ?? "")?.assignment };
    switch (url) {
      case "/v1/frontendservice/tickets":
        return this.#create(body);
      case "/v1/backendservice/matches:fetch":
        return this.#fetch();
      case "/v1/backendservice/tickets:assign":
        return this.#assign(body as never);
      case "/v1/backendservice/tickets:release":
        for (const id of body["ticketIds"] as unknown as readonly string[]) this.#pending.delete(id);
        return {};
      default:
        return undefined;
    }
  }

  #create({ ticket }: Record<string, unknown>): object {
    const id = `t${this.#tickets.size + 1}`;
    const { stringArgs, doubleArgs } = (ticket as { readonly searchFields: Record<string, object> }).searchFields;
    const created = { id, search_fields: { string_args: stringArgs, double_args: doubleArgs } };
    this.#tickets.set(id, { ticket: created });
    return created;
  }

  #fetch(): object | undefined {
    const free = [...this.#tickets].filter(
      ([id, { assignment }]) => !this.#pending.has(id) && assignment === undefined,
    );
    for (const [id] of free) this.#pending.add(id);
    const tickets = free.map(([, { ticket }]) => ticket);
    return { result: { match: { match_id: `om-${free.map(([id]) => id).join("-")}`, tickets } } };
  }

  #assign({
    assignments,
  }: {
    assignments: readonly { ticketIds: readonly string[]; assignment: Assignment }[];
  }): object {
    const failures = assignments.flatMap(({ ticketIds, assignment }) =>
      ticketIds.flatMap((id) => {
        const known = this.#tickets.get(id);
        if (known) known.assignment = assignment;
        return known ? [] : [{ ticket_id: id, cause: "TICKET_NOT_FOUND" }];
      }),
    );
    return { failures };
  }
}
