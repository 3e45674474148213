import { ACCESS, type Access } from "./access";
import { type ApiUnderTest, apiUnderTest, TICKET_SECRET } from "./api-under-test";
import { placementSample, sessionSample, ticketSample } from "./backend-double";
import { Origins } from "./origins";

const GAME = "https://game.example";
const OTHER = "https://other.example";

let api: ApiUnderTest;
let origins: Origins;
beforeEach(() => {
  origins = new Origins([GAME]);
  api = apiUnderTest({ origins });
});
afterEach(() => api.app.close());

/** What a browser asks before the call. */
const preflight = (method: string, url: string, origin: string, headers = "authorization") =>
  api.app.inject({
    method: "OPTIONS",
    url,
    headers: {
      host: "localhost",
      origin,
      "access-control-request-method": method,
      "access-control-request-headers": headers,
    },
  });

describe("a page of an origin that forge.toml lists", () => {
  it.each([
    ["POST", "/v1/sessions", "GET, POST"],
    ["GET", "/v1/sessions/ses-local-1?wait=25", "DELETE, GET, PATCH"],
    ["PATCH", "/v1/sessions/ses-local-1", "DELETE, GET, PATCH"],
    ["DELETE", "/v1/sessions/ses-local-1?reason=left", "DELETE, GET, PATCH"],
    ["GET", "/v1/queue/que-local-1?wait=25", "DELETE, GET"],
    ["DELETE", "/v1/queue/que-local-1", "DELETE, GET"],
    ["GET", "/v1/regions", "GET"],
  ])("may %s %s", async (method, url, methods) => {
    const answer = await preflight(method, url, GAME, "authorization,content-type,idempotency-key");
    expect(answer.statusCode).toBe(200);
    expect(answer.body).toBe("");
    const { "access-control-allow-methods": allowed, ...headers } = answer.headers;
    expect(String(allowed).split(", ").sort().join(", ")).toBe(methods);
    expect(headers).toMatchObject({
      "access-control-allow-origin": GAME,
      "access-control-allow-headers": "authorization, content-type, idempotency-key",
      vary: "origin",
    });
    expect(headers).not.toHaveProperty("access-control-allow-credentials");
    expect(api.backend.asked).toEqual([]);
  });

  it("may make no call that is not a player's, whatever its method", async () => {
    const players = Object.entries<Access>(ACCESS).filter(
      ([key, access]) => key === "GET /health" || access.player !== undefined || access.ticket !== undefined,
    );
    const allowed: string[] = [];
    for (const key of Object.keys(ACCESS)) {
      const [method = "", url = ""] = key.split(" ");
      const answer = await preflight(method, url.replaceAll(/:\w+/g, "x"), GAME);
      if (answer.headers["access-control-allow-origin"] !== undefined) allowed.push(key);
      else expect(answer.statusCode).toBe(405);
    }
    expect(allowed.sort()).toEqual(players.map(([key]) => key).sort());
    expect(allowed).not.toContain("POST /v1/servers");
    expect(allowed).not.toContain("POST /v1/tokens");
  });

  it("reads the answer, also one that says no", async () => {
    api.backend.when("createSession", () => ({ ok: true, value: placementSample() }));
    const body = { playerId: "ann", experienceId: "arena" };
    const headers = { origin: GAME, authorization: api.as("player", "ann") };
    const shown = {
      "access-control-allow-origin": GAME,
      "access-control-expose-headers": "retry-after, x-request-id",
      vary: "origin",
    };
    const placed = await api.call("POST", "/v1/sessions", { body, headers });
    expect([placed.statusCode, placed.headers]).toEqual([200, expect.objectContaining(shown)]);
    const refused = await api.call("POST", "/v1/sessions", { body, headers: { ...headers, authorization: undefined } });
    expect([refused.statusCode, refused.headers]).toEqual([401, expect.objectContaining(shown)]);
    const wrong = await api.call("POST", "/v1/sessions", { body: { playerId: 1 }, headers });
    expect([wrong.statusCode, wrong.headers]).toEqual([422, expect.objectContaining(shown)]);
    const health = await api.call("GET", "/health", { headers: { origin: GAME, authorization: undefined } });
    expect([health.statusCode, health.headers]).toEqual([200, expect.objectContaining(shown)]);
  });

  it("gives the seat back with the ticket alone", async () => {
    api.backend.when("endSession", () => ({ ok: true, value: sessionSample() }));
    const headers = { origin: GAME, authorization: `Ticket ${ticketSample(TICKET_SECRET)}` };
    const left = await api.call("DELETE", "/v1/sessions/ses-local-1", { headers });
    expect([left.statusCode, left.headers["access-control-allow-origin"]]).toEqual([200, GAME]);
  });
});

describe("a page of another origin", () => {
  it("is told no before and at a call, and reads nothing", async () => {
    const asked = await preflight("POST", "/v1/sessions", OTHER);
    expect([asked.statusCode, asked.json<{ code: string }>().code]).toEqual([403, "originNotAllowed"]);
    const called = await api.call("POST", "/v1/sessions", {
      body: { playerId: "ann", experienceId: "arena" },
      headers: { origin: OTHER },
    });
    expect([called.statusCode, called.json<{ code: string }>().code]).toEqual([403, "originNotAllowed"]);
    const looked = await api.call("GET", "/health", { headers: { origin: OTHER } });
    for (const { headers } of [asked, called, looked])
      expect(headers).not.toHaveProperty("access-control-allow-origin");
    // A cache must not give a page of the game what was answered to this one.
    expect(looked.headers["vary"]).toBe("origin");
    expect(api.backend.asked).toEqual([]);
  });

  it("is let in as soon as it is listed, and no longer once it is not", async () => {
    const outcome = async (origin: string): Promise<number> =>
      (await preflight("POST", "/v1/sessions", origin)).statusCode;
    origins.set([OTHER]);
    expect([await outcome(GAME), await outcome(OTHER)]).toEqual([403, 200]);
    origins.set([]);
    expect([await outcome(GAME), await outcome(OTHER)]).toEqual([403, 403]);
  });
});

it("says nothing of origins where none is listed", async () => {
  origins.set([]);
  const { headers } = await api.call("GET", "/health", { headers: { origin: GAME } });
  expect(Object.keys(headers).filter((name) => name === "vary" || name.startsWith("access-control"))).toEqual([]);
});
