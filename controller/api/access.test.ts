import { ACCESS, type RouteKey } from "./access";
import { ticketSample } from "./backend-double";
import { type ApiUnderTest, START_MS, TICKET_SECRET, apiUnderTest } from "./api-under-test";
import { ROUTES } from "./routes";
import { ENDLESS, SAMPLE_CALLS } from "./sample-calls";

/** Who may: A all, o their own, - nobody of that role, in the order of WHO. */
const WHO = ["operator", "allocator", "viewer", "player", "server", "ticket", "nobody"] as const;
const EXPECTED: Readonly<Record<RouteKey, string>> = {
  "POST /v1/servers": "AA-----",
  "GET /v1/servers": "AAA----",
  "GET /v1/servers/:id": "AAA-o--",
  "PATCH /v1/servers/:id": "A---o--",
  "DELETE /v1/servers/:id": "A------",
  "GET /v1/servers/:id/logs": "A-A----",
  "POST /v1/servers/:id/sessions": "AA-----",
  "GET /v1/servers/:id/sessions": "AAA-o--",
  "POST /v1/sessions": "AA-o---",
  "GET /v1/sessions": "AAAo---",
  "GET /v1/sessions/:id": "AAAooo-",
  "PATCH /v1/sessions/:id": "AA-ooo-",
  "DELETE /v1/sessions/:id": "AA-o-o-",
  "GET /v1/queue": "AAA----",
  "GET /v1/queue/:queueTicket": "AA-o---",
  "DELETE /v1/queue/:queueTicket": "AA-o---",
  "POST /v1/allocations": "AA-----",
  "POST /v1/gameserverallocations": "AA-----",
  "GET /api": "AAA----",
  "GET /api/v1": "AAA----",
  "GET /apis": "AAA----",
  "GET /apis/agones.dev/v1": "AAA----",
  "GET /apis/allocation.agones.dev/v1": "AAA----",
  "GET /version": "AAA----",
  "GET /apis/agones.dev/v1/namespaces/:namespace/gameservers": "AAA----",
  "GET /apis/agones.dev/v1/gameservers": "AAA----",
  "GET /apis/agones.dev/v1/namespaces/:namespace/gameservers/:name": "AAA----",
  "GET /apis/agones.dev/v1/namespaces/:namespace/fleets": "AAA----",
  "GET /apis/agones.dev/v1/fleets": "AAA----",
  "GET /apis/agones.dev/v1/namespaces/:namespace/fleets/:name": "AAA----",
  "POST /apis/allocation.agones.dev/v1/namespaces/:namespace/gameserverallocations": "AA-----",
  "GET /v1/fleets": "AAA----",
  "GET /v1/fleets/:experienceId": "AAA----",
  "PUT /v1/fleets/:experienceId": "A------",
  "GET /v1/regions": "AAAA---",
  "GET /v1/regions/:name/summary": "AAA----",
  "GET /v1/regions/:name/unheard": "A------",
  "POST /v1/regions/:name/arrivals": "AA-----",
  "POST /v1/regions/:name/drain": "A------",
  "DELETE /v1/regions/:name/drain": "A------",
  "GET /v1/shift": "AAA----",
  "PUT /v1/shift": "A------",
  "POST /v1/shift": "A------",
  "GET /v1/events": "AAA----",
  "GET /v1/decisions/:id": "AAA----",
  "GET /v1/audit": "A-A----",
  "POST /v1/tokens": "Aoo----",
  "GET /health": "AAAAAAA",
  "GET /ready": "AAAAAAA",
  "GET /metrics": "AAAAAAA",
  "GET /openapi.json": "AAAAAAA",
  "GET /.well-known/jwks.json": "AAAAAAA",
};

const CASES = Object.entries(EXPECTED).flatMap(([key, row]) =>
  WHO.map((who, column) => [who, key as RouteKey, row[column] ?? "?"] as const),
);

function ticketOf(sessionId: string, playerId: string): string {
  return `Ticket ${ticketSample(TICKET_SECRET, { sessionId, playerId, expiresAtMs: START_MS - 1 })}`;
}

/** Credentials of someone to whom the double's things do, or do not, belong. */
function credentials(api: ApiUnderTest, who: (typeof WHO)[number], owner: boolean): string | undefined {
  if (who === "nobody") return undefined;
  if (who === "ticket") return ticketOf(owner ? "ses-local-1" : "ses-local-2", "ann");
  if (who === "player") return api.as("player", owner ? "ann" : "eve");
  // What is an allocator's or viewer's own is their token, where it was made to be renewed.
  if (owner && (who === "allocator" || who === "viewer"))
    return `Bearer ${api.tokens.mint({ sub: "someone", role: who, regions: ["*"], renewableForSecs: 60 }).token}`;
  return api.as(who, who === "server" ? (owner ? "srv-local-1" : "srv-local-2") : "someone");
}

describe("who may do what", () => {
  let api: ApiUnderTest;
  beforeAll(() => {
    api = apiUnderTest();
  });
  afterAll(() => api.app.close());

  test("a ticket says where its player was told to go, with which generation", async () => {
    const headers = { host: "localhost", authorization: ticketOf("ses-local-1", "ann") };
    await api.app.inject({ method: "GET", url: "/v1/sessions/ses-local-1?wait=1", headers });
    expect(api.backend.asked.at(-1)?.command).toMatchObject({
      type: "followSession",
      afterGeneration: 1,
      fromServerId: "srv-local-1",
    });
  });

  /** Status and code; of a stream that was opened, its status only. */
  async function outcome(
    key: RouteKey,
    authorization: string | undefined,
    body = SAMPLE_CALLS[key].body,
  ): Promise<{ status: number; code: string | undefined }> {
    const { method, url } = SAMPLE_CALLS[key];
    if (ENDLESS.includes(key)) {
      const answer = await api.app.inject({
        method,
        url,
        headers: { host: "localhost", ...(authorization !== undefined && { authorization }) },
        payloadAsStream: true,
      });
      answer.stream().destroy();
      return { status: answer.statusCode, code: undefined };
    }
    const answer = await api.call(method, url, { body, headers: { authorization } });
    const isProblem = String(answer.headers["content-type"]).startsWith("application/problem+json");
    return { status: answer.statusCode, code: isProblem ? answer.json<{ code: string }>().code : undefined };
  }

  it("is said for every route there is, and each has a check where it grants one's own", () => {
    expect(ROUTES.map(({ key }) => key).sort()).toEqual(Object.keys(ACCESS).sort());
    for (const { key, own } of ROUTES) {
      const grantsOwn = Object.values(ACCESS[key]).includes("own");
      expect([key, own !== undefined]).toEqual([key, grantsOwn]);
    }
  });

  it.each(CASES.filter(([, , grant]) => grant === "A"))("%s may %s", async (who, key) => {
    const { status } = await outcome(key, credentials(api, who, false));
    expect(Math.floor(status / 100)).toBe(2);
  });

  it.each(CASES.filter(([, , grant]) => grant === "o"))(
    "%s may %s of their own, and of nobody else",
    async (who, key) => {
      // One's own token is renewed without a word of whose it is.
      const words = key === "POST /v1/tokens" ? {} : undefined;
      const own = await outcome(key, credentials(api, who, true), words);
      expect(Math.floor(own.status / 100)).toBe(2);
      // A player's list is always their own.
      const { method, url, body } = SAMPLE_CALLS[key];
      const before = api.backend.asked.length;
      const foreign = await api.call(method, url, { body, headers: { authorization: credentials(api, who, false) } });
      expect([foreign.statusCode, foreign.json<{ code: string }>().code]).toEqual([
        403,
        who === "ticket" ? "ticketForeign" : "notYours",
      ]);
      const changed = api.backend.asked
        .slice(before)
        .filter(({ command }) => !["getSession", "waitQueue"].includes(command.type));
      expect(changed).toEqual([]);
    },
  );

  it.each(CASES.filter(([, , grant]) => grant === "-"))("%s may not %s", async (who, key) => {
    const before = api.backend.asked.length;
    const { status } = await outcome(key, credentials(api, who, true));
    expect(status).toBe(who === "nobody" ? 401 : 403);
    expect(api.backend.asked.length).toBe(before);
  });

  it.each(Object.keys(EXPECTED).filter((key) => key.includes("/v1/")) as RouteKey[])(
    "a token of another region is no good for %s here",
    async (key) => {
      const { method, url, body } = SAMPLE_CALLS[key];
      const before = api.backend.asked.length;
      const answer = await api.call(method, url, {
        body,
        headers: { authorization: api.as("operator", "op", ["elsewhere"]) },
      });
      expect(api.backend.asked.slice(before)).toEqual([]);
      if (answer.statusCode !== 403)
        expect(answer.json<{ items?: unknown[]; regions?: string[] }>()).toMatchObject(
          key === "POST /v1/tokens" ? { regions: ["elsewhere"] } : { items: [] },
        );
    },
  );
});
