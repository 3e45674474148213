import pino from "pino";
import { type ApiUnderTest, apiUnderTest } from "./api-under-test";

describe("the audit log of the API", () => {
  let api: ApiUnderTest;
  beforeEach(() => {
    api = apiUnderTest();
  });
  afterEach(() => api.app.close());

  it("says that there is no such action, instead of that nobody did it", async () => {
    const answer = await api.call("GET", "/v1/audit?action=nope");
    expect([answer.statusCode, answer.json<{ errors?: { pointer: string }[] }>().errors?.[0]?.pointer]).toEqual([
      422,
      "/query/action",
    ]);
  });

  it("writes who did what to the program's log too, without what they said or showed", async () => {
    const lines: string[] = [];
    const logger = pino({ level: "info" }, { write: (line: string) => void lines.push(line) });
    const logged = apiUnderTest({ logger });
    const authorization = logged.as("operator", "olga");
    const body = { sub: "ann", role: "player" };
    const made = await logged.call("POST", "/v1/tokens", { headers: { authorization }, body });
    await logged.call("DELETE", "/v1/servers/srv-local-1?reason=hush", { headers: { authorization } });
    await logged.app.close();
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { event: "audit", action: "token.mint", sub: "olga", role: "operator", status: 201 },
      { event: "audit", action: "server.terminate", path: "/v1/servers/srv-local-1", status: 200 },
    ]);
    for (const secret of [made.json<{ token: string }>().token, authorization.slice(7), "hush"])
      expect(lines.join("")).not.toContain(secret);
  });

  it("writes down who did what, and who was refused", async () => {
    await api.call("DELETE", "/v1/servers/srv-local-1?drain=5", {
      headers: { authorization: api.as("operator", "olga"), "x-request-id": "r-1" },
    });
    await api.call("DELETE", "/v1/servers/srv-local-1", { headers: { authorization: api.as("viewer", "vic") } });
    await api.call("DELETE", "/v1/servers/srv-local-1", { headers: { authorization: undefined } });
    api.backend.when("terminateServer", () => ({
      ok: false,
      problem: { code: "alreadyTerminated", detail: "it ended" },
    }));
    api.clock.advance(1000);
    await api.call("DELETE", "/v1/servers/srv-local-1");
    const { items } = (await api.call("GET", "/v1/audit?action=server.terminate")).json<{ items: unknown[] }>();
    const entry = { action: "server.terminate", path: "/v1/servers/srv-local-1", region: "local" };
    expect(items).toEqual([
      {
        ...entry,
        seq: 3,
        at: "2025-01-01T00:00:01.000Z",
        sub: "someone",
        role: "operator",
        status: 409,
        code: "alreadyTerminated",
        requestId: expect.any(String),
      },
      {
        ...entry,
        seq: 2,
        at: "2025-01-01T00:00:00.000Z",
        sub: "vic",
        role: "viewer",
        status: 403,
        code: "roleNotAllowed",
        requestId: expect.any(String),
      },
      {
        ...entry,
        seq: 1,
        at: "2025-01-01T00:00:00.000Z",
        sub: "olga",
        role: "operator",
        status: 200,
        code: null,
        requestId: "r-1",
      },
    ]);
  });
});
