import type { Role } from "./backend";

/** `all`: any; `own`: only what is the caller's, which the route checks; absent: refused. */
export type Grant = "all" | "own";

/** Who may make a call. `ticket` is a player who shows a session's ticket instead of a token; `public` asks for nothing. */
export interface Access extends Readonly<Partial<Record<Role, Grant>>> {
  readonly ticket?: "own";
  readonly public?: true;
}

const OPEN: Access = { public: true };
const READ: Access = { operator: "all", allocator: "all", viewer: "all" };
const PLACE: Access = { operator: "all", allocator: "all" };
const OPERATE: Access = { operator: "all" };

/** The one table of rights: a call that is not in it does not exist. docs/api.md shows it as it is here. */
export const ACCESS = {
  "POST /v1/servers": PLACE,
  "GET /v1/servers": READ,
  "GET /v1/servers/:id": { ...READ, server: "own" },
  "PATCH /v1/servers/:id": { ...OPERATE, server: "own" },
  "DELETE /v1/servers/:id": OPERATE,
  "GET /v1/servers/:id/logs": { operator: "all", viewer: "all" },
  "POST /v1/servers/:id/sessions": PLACE,
  "GET /v1/servers/:id/sessions": { ...READ, server: "own" },

  "POST /v1/sessions": { ...PLACE, player: "own" },
  "GET /v1/sessions": { ...READ, player: "own" },
  "GET /v1/sessions/:id": { ...READ, player: "own", server: "own", ticket: "own" },
  "PATCH /v1/sessions/:id": { ...PLACE, player: "own", server: "own", ticket: "own" },
  "DELETE /v1/sessions/:id": { ...PLACE, player: "own", ticket: "own" },

  "GET /v1/queue": READ,
  "GET /v1/queue/:queueTicket": { ...PLACE, player: "own" },
  "DELETE /v1/queue/:queueTicket": { ...PLACE, player: "own" },

  "POST /v1/allocations": PLACE,

  "POST /v1/gameserverallocations": PLACE,

  // What clients of Kubernetes ask, and what directors built for Agones do through them.
  "GET /api": READ,
  "GET /api/v1": READ,
  "GET /apis": READ,
  "GET /apis/agones.dev/v1": READ,
  "GET /apis/allocation.agones.dev/v1": READ,
  "GET /version": READ,
  "GET /apis/agones.dev/v1/namespaces/:namespace/gameservers": READ,
  "GET /apis/agones.dev/v1/gameservers": READ,
  "GET /apis/agones.dev/v1/namespaces/:namespace/gameservers/:name": READ,
  "GET /apis/agones.dev/v1/namespaces/:namespace/fleets": READ,
  "GET /apis/agones.dev/v1/fleets": READ,
  "GET /apis/agones.dev/v1/namespaces/:namespace/fleets/:name": READ,
  "POST /apis/allocation.agones.dev/v1/namespaces/:namespace/gameserverallocations": PLACE,

  "GET /v1/fleets": READ,
  "GET /v1/fleets/:experienceId": READ,
  "PUT /v1/fleets/:experienceId": OPERATE,

  // Players measure how far each is.
  "GET /v1/regions": { ...READ, player: "all" },
  "GET /v1/regions/:name/summary": READ,
  // Its controllers ask their leader, for what servers saved of players too.
  "GET /v1/regions/:name/unheard": OPERATE,
  "POST /v1/regions/:name/arrivals": PLACE,
  "POST /v1/regions/:name/drain": OPERATE,
  "DELETE /v1/regions/:name/drain": OPERATE,

  "GET /v1/shift": READ,
  "PUT /v1/shift": OPERATE,
  "POST /v1/shift": OPERATE,

  "GET /v1/events": READ,
  "GET /v1/decisions/:id": READ,
  "GET /v1/audit": { operator: "all", viewer: "all" },
  // Whoever looks on keeps looking: a token that was made for it is exchanged for a fresh one.
  "POST /v1/tokens": { ...OPERATE, allocator: "own", viewer: "own" },

  "GET /health": OPEN,
  "GET /ready": OPEN,
  "GET /metrics": OPEN,
  "GET /openapi.json": OPEN,
  "GET /.well-known/jwks.json": OPEN,
} as const satisfies Readonly<Record<string, Access>>;

export type RouteKey = keyof typeof ACCESS;

/** The table as docs/api.md shows it. */
export function accessAsMarkdown(): string {
  const roles = ["operator", "allocator", "viewer", "player", "server", "ticket"] as const;
  const mark = (grant: Grant | undefined): string => (grant === undefined ? "" : grant === "all" ? "yes" : "own");
  const rows = Object.entries<Access>(ACCESS).map(([key, access]) => {
    const cells = access.public ? roles.map(() => "yes") : roles.map((role) => mark(access[role]));
    return `| \`${key.replaceAll(/:(\w+)/g, "{$1}")}\` | ${cells.join(" | ")} |`;
  });
  return [`| call | ${roles.join(" | ")} |`, `|---|${roles.map(() => "---|").join("")}`, ...rows].join("\n");
}

export function accessOf(key: RouteKey): Access {
  return ACCESS[key];
}
