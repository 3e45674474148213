import { request } from "node:http";
import { once } from "node:events";
import { type AddressInfo, type Socket, connect } from "node:net";
import { type ApiUnderTest, apiUnderTest } from "./api-under-test";
import { ROUTES } from "./routes";
import { ENDLESS, SAMPLE_CALLS } from "./sample-calls";

interface ProblemBody {
  readonly code: string;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
}

describe("the API", () => {
  let api: ApiUnderTest;
  beforeEach(() => {
    api = apiUnderTest();
  });
  afterEach(() => api.app.close());

  const finite = ROUTES.filter(({ key }) => !ENDLESS.includes(key));
  it.each(finite.map((definition) => [definition.key, definition] as const))(
    "answers %s as its schema says",
    async (key, definition) => {
      const { method, url, body } = SAMPLE_CALLS[key];
      const answer = await api.call(method, url, { body });
      const shape = definition.responses[answer.statusCode];
      expect(shape).toBeDefined();
      if (shape?.schema) expect(shape.schema.safeParse(answer.json()).error).toBeUndefined();
      else expect(answer.headers["content-type"]).toContain(shape?.contentType);
      expect(answer.headers["x-content-type-options"]).toBe("nosniff");
    },
  );

  const session = { playerId: "ann", experienceId: "arena" };
  const deep = JSON.stringify(session).replace("}", ',"__proto__":{"role":"operator"}}');
  it.each([
    ["a body that is no JSON", "POST", "/v1/sessions", "{", "application/json", 400, "malformedJson"],
    ["a body with __proto__", "POST", "/v1/sessions", deep, "application/json", 400, "malformedJson"],
    ["a body over 1 MiB", "POST", "/v1/sessions", " ".repeat(1024 * 1024 + 1), "application/json", 413, "bodyTooLarge"],
    ["a body of text", "POST", "/v1/sessions", "hello", "text/plain", 415, "mediaTypeUnsupported"],
    [
      "a form",
      "POST",
      "/v1/sessions",
      "playerId=ann",
      "application/x-www-form-urlencoded",
      415,
      "mediaTypeUnsupported",
    ],
    ["an unknown path", "GET", "/v2/servers", undefined, undefined, 404, "routeUnknown"],
    ["a path out of the API", "GET", "/../../etc/passwd", undefined, undefined, 404, "routeUnknown"],
    ["a broken escape", "GET", "/v1/servers/%zz", undefined, undefined, 400, "badRequest"],
    ["an endless id", "GET", `/v1/servers/${"x".repeat(13_000)}`, undefined, undefined, 414, "uriTooLong"],
    ["a method of no route", "PUT", "/v1/sessions", "{}", "application/json", 405, "methodNotAllowed"],
    [
      "a method of no route, with an id",
      "POST",
      "/v1/decisions/dec-local-1",
      undefined,
      undefined,
      405,
      "methodNotAllowed",
    ],
  ] as const)("answers %s with a problem", async (_what, method, url, payload, type, status, code) => {
    const headers = { host: "localhost", authorization: api.as("operator"), ...(type && { "content-type": type }) };
    const answer = await api.app.inject({ method, url, headers, ...(payload !== undefined && { payload }) });
    expect([answer.statusCode, answer.json<ProblemBody>().code]).toEqual([status, code]);
    expect(answer.headers["content-type"]).toBe("application/problem+json; charset=utf-8");
    expect(api.backend.asked).toEqual([]);
  });

  it("names the methods that a path takes", async () => {
    expect((await api.call("PUT", "/v1/servers/srv-local-1")).headers.allow).toBe("GET, PATCH, DELETE");
  });

  it.each([
    ["GET", "/v1/servers?stat=ready", undefined, ["/query/stat"]],
    ["GET", "/v1/servers?state=asleep&limit=0&limit=1", undefined, ["/query/limit", "/query/state"]],
    ["GET", "/v1/servers?limit=1001", undefined, ["/query/limit"]],
    ["GET", "/v1/servers?after=%20", undefined, ["/query/after"]],
    ["GET", "/v1/servers/a%2Fb", undefined, ["/path/id"]],
    ["GET", "/v1/sessions/ses-local-1?wait=61", undefined, ["/query/wait"]],
    ["GET", "/v1/sessions/ses-local-1?wait=soon", undefined, ["/query/wait"]],
    ["GET", "/v1/events?type=server.*,servers", undefined, ["/query/type"]],
    ["DELETE", "/v1/servers/srv-local-1?drain=-1&force=maybe", undefined, ["/query/drain", "/query/force"]],
    ["POST", "/v1/sessions", undefined, ["/body"]],
    ["POST", "/v1/sessions", [], ["/body"]],
    ["POST", "/v1/sessions", {}, ["/body/experienceId", "/body/playerId"]],
    ["POST", "/v1/sessions", { ...session, playerID: "ann" }, ["/body/playerID"]],
    ["POST", "/v1/sessions", { ...session, playerId: "x".repeat(129) }, ["/body/playerId"]],
    ["POST", "/v1/sessions", { ...session, playerId: "a\ud800" }, ["/body/playerId"]],
    ["POST", "/v1/sessions", { ...session, playerId: "a\nb" }, ["/body/playerId"]],
    ["POST", "/v1/sessions", { ...session, party: Array.from({ length: 65 }, String) }, ["/body/party"]],
    ["POST", "/v1/sessions", { ...session, mods: Array.from({ length: 33 }, String) }, ["/body/mods"]],
    [
      "POST",
      "/v1/sessions",
      { ...session, latencies: { "us/1": 1, eu: -1 } },
      ["/body/latencies/eu", "/body/latencies/us~11"],
    ],
    ["POST", "/v1/sessions", { ...session, deadlineMs: 1.5, version: 2 }, ["/body/deadlineMs", "/body/version"]],
    ["POST", "/v1/servers", { experienceId: "arena" }, ["/body/region"]],
    [
      "POST",
      "/v1/servers",
      {
        experienceId: "arena",
        region: "local",
        labels: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`k${n}`, "v"])),
      },
      ["/body/labels"],
    ],
    ["PATCH", "/v1/servers/srv-local-1", {}, ["/body"]],
    [
      "PATCH",
      "/v1/sessions/ses-local-1",
      { packetLoss: 1.01, lastActivity: "yesterday" },
      ["/body/lastActivity", "/body/packetLoss"],
    ],
    ["POST", "/v1/servers/srv-local-1/sessions", { players: [] }, ["/body/players"]],
    ["POST", "/v1/servers/srv-local-1/sessions", { players: ["a", "a"] }, ["/body/players"]],
    ["POST", "/v1/servers/srv-local-1/sessions", { players: ["a"], clientVersion: "1\n2" }, ["/body/clientVersion"]],
    [
      "POST",
      "/v1/allocations",
      { experienceId: "arena", matchId: "m", players: [{ playerId: "a" }, { playerId: "a" }] },
      ["/body/players"],
    ],
    ["POST", "/v1/allocations", { experienceId: "arena", matchId: "m", players: [] }, ["/body/players"]],
    [
      "POST",
      "/v1/allocations",
      {
        experienceId: "arena",
        matchId: "m",
        players: [{ playerId: "a" }],
        selectors: [{ matchLabels: { "": "x" } }, { matchExpressions: [] }, { gameServerState: "Allocated" }],
      },
      ["/body/selectors/0/matchLabels/", "/body/selectors/1/matchExpressions", "/body/selectors/2/gameServerState"],
    ],
    [
      "PUT",
      "/v1/fleets/arena",
      { policy: { minServers: -1, size: 2 } },
      ["/body/policy/minServers", "/body/policy/size"],
    ],
    ["POST", "/v1/tokens", { sub: "x", role: "operator" }, ["/body/role"]],
    ["POST", "/v1/tokens", { sub: "x", role: "viewer", expiresInSecs: 3601 }, ["/body/expiresInSecs"]],
    ["POST", "/v1/regions/local/drain", { now: true }, ["/body"]],
  ] as const)("names all that is wrong with %s %s %j", async (method, url, body, pointers) => {
    const answer = await api.call(method, url, { body });
    expect([answer.statusCode, answer.json<ProblemBody>().code]).toEqual([422, "invalid"]);
    expect((answer.json<ProblemBody>().errors ?? []).map(({ pointer }) => pointer).sort()).toEqual(pointers);
    expect(api.backend.asked).toEqual([]);
  });

  it("takes the highest numbers that its contract names", async () => {
    expect((await api.call("GET", "/v1/sessions/ses-local-1?wait=60&generation=1000000000000")).statusCode).toBe(200);
  });

  it("takes an empty body with a content type for none", async () => {
    const headers = { host: "localhost", authorization: api.as("operator"), "content-type": "application/json" };
    expect((await api.app.inject({ method: "POST", url: "/v1/regions/local/drain", headers })).statusCode).toBe(200);
  });

  it("keeps a caller's request id, and makes one up where it is none", async () => {
    const idOf = async (id: string): Promise<unknown> =>
      (await api.call("GET", "/health", { headers: { "x-request-id": id } })).headers["x-request-id"];
    expect(await idOf("abc-1")).toBe("abc-1");
    expect(await idOf("two words")).toMatch(/^local-0-\w+$/);
    expect(await idOf("x".repeat(129))).toMatch(/^local-0-\w+$/);
  });

  it("does not tell callers what went wrong inside", async () => {
    api.backend.when("getServer", () => {
      throw new Error("the password is swordfish");
    });
    const answer = await api.call("GET", "/v1/servers/srv-local-1");
    expect(answer.statusCode).toBe(500);
    expect(answer.json<ProblemBody>().code).toBe("internal");
    expect(answer.body).not.toContain("swordfish");
  });

  it("answers HEAD where it is asked by load balancers", async () => {
    const answer = await api.call("HEAD", "/health");
    expect([answer.statusCode, answer.body]).toEqual([200, ""]);
  });

  it("is ready when the controller is, and says what it waits for", async () => {
    expect((await api.call("GET", "/ready")).json()).toMatchObject({ status: "ready", region: "local", leader: true });
    api.backend.state = { leader: false, epoch: 3, ready: false, detail: "no agent has connected yet" };
    const answer = await api.call("GET", "/ready");
    expect([answer.statusCode, answer.headers["retry-after"]]).toEqual([503, "1"]);
    expect(answer.json()).toMatchObject({ code: "notReady", detail: "no agent has connected yet", info: { epoch: 3 } });
  });

  it("gives up on a controller that never answers, and ignores it when it does", async () => {
    let late: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => {
      api.backend.when("getServer", () => {
        resolve();
        return new Promise(
          (answer) => (late = () => answer({ ok: false, problem: { code: "conflict", detail: "late" } })),
        );
      });
    });
    const answer = api.call("GET", "/v1/servers/srv-local-1");
    await asked;
    api.clock.advance(31_000);
    expect((await answer).json<ProblemBody>().code).toBe("deadlineExceeded");
    late();
  });

  it("mints no wider token than the caller's", async () => {
    api.backend.others = [{ name: "eu", url: undefined, location: undefined }];
    const authorization = api.as("operator", "op", ["local", "eu"]);
    const mint = async (body: object): Promise<{ code?: string; regions?: string[] }> =>
      (
        await api.call("POST", "/v1/tokens", {
          body: { sub: "x", role: "viewer", ...body },
          headers: { authorization },
        })
      ).json();
    expect((await mint({})).regions).toEqual(["local", "eu"]);
    expect((await mint({ regions: ["eu"] })).regions).toEqual(["eu"]);
    expect((await mint({ regions: ["us"] })).code).toBe("regionNotAllowed");
    expect((await mint({ regions: ["*"] })).code).toBe("regionNotAllowed");
  });

  it("mints no token for a region that there is not", async () => {
    const body = { sub: "x", role: "viewer", regions: ["local", "nope"] };
    const answer = await api.call("POST", "/v1/tokens", { body });
    expect([answer.statusCode, answer.json<ProblemBody>().code]).toEqual([404, "unknownRegion"]);
    expect((await api.call("POST", "/v1/tokens", { body: { ...body, regions: ["*"] } })).statusCode).toBe(201);
  });

  it("renews a token that was made for it: the same owner and role, no wider, and nothing else", async () => {
    const viewer = { sub: "kim", role: "viewer", regions: ["local", "eu"] } as const;
    const renewable = api.tokens.mint({ ...viewer, renewableForSecs: 3600 }).token;
    const renew = async (token: string, body: object = {}): Promise<Record<string, unknown>> =>
      (await api.call("POST", "/v1/tokens", { body, headers: { authorization: `Bearer ${token}` } })).json();
    const fresh = await renew(renewable);
    expect(fresh).toMatchObject(viewer);
    expect(await renew(String(fresh["token"]), { regions: ["eu"] })).toMatchObject({ ...viewer, regions: ["eu"] });
    expect((await renew(renewable, { regions: ["*"] }))["code"]).toBe("regionNotAllowed");
    expect((await renew(renewable, { renewableForSecs: 43_200 }))["code"]).toBe("invalid");
    expect((await renew(renewable, { sub: "kim", role: "viewer" }))["code"]).toBe("notYours");
    expect((await renew(api.tokens.mint(viewer).token))["code"]).toBe("conflict");
  });

  it("mints tokens that work, for as long as was asked", async () => {
    const { token, expiresAt } = (
      await api.call("POST", "/v1/tokens", { body: { sub: "ann", role: "player", expiresInSecs: 60 } })
    ).json<{ token: string; expiresAt: string }>();
    expect(expiresAt).toBe("2025-01-01T00:01:00.000Z");
    const read = async (): Promise<number> =>
      (await api.call("GET", "/v1/sessions/ses-local-1", { headers: { authorization: `Bearer ${token}` } })).statusCode;
    expect(await read()).toBe(200);
    api.clock.advance(60_000);
    expect(await read()).toBe(401);
  });

  it.each([
    [undefined, "credentialsMissing"],
    ["Basic YTpi", "credentialsMissing"],
    ["Bearer", "credentialsMissing"],
    ["Bearer x", "tokenMalformed"],
    ["Ticket x", "ticketMalformed"],
  ])("asks for credentials where it is given %p", async (authorization, code) => {
    const answer = await api.call("GET", "/v1/sessions/ses-local-1", { headers: { authorization } });
    expect([answer.statusCode, answer.json<ProblemBody>().code]).toEqual([401, code]);
    expect(answer.headers["www-authenticate"]).toContain("Bearer");
  });

  it("counts what it answers", async () => {
    await api.call("GET", "/v1/servers/srv-local-1");
    await api.call("GET", "/v1/servers/srv-local-1", { headers: { authorization: undefined } });
    const { body } = await api.call("GET", "/metrics");
    expect(body).toContain('forge_http_requests_total{method="GET",route="/v1/servers/:id",status="200"} 1');
    expect(body).toContain('forge_http_requests_total{method="GET",route="/v1/servers/:id",status="401"} 1');
    expect(body).toContain('forge_http_request_seconds_count{method="GET",route="/v1/servers/:id"} 2');
    expect(body).toContain('forge_http_requests_under_way{weight="working"} 1');
    expect(body).toContain('forge_servers{region="local",state="ready"} 3');
  });
});

describe("the API on a real socket", () => {
  let api: ApiUnderTest;
  let port: number;
  beforeEach(async () => {
    api = apiUnderTest();
    await api.app.listen({ host: "127.0.0.1", port: 0 });
    port = (api.app.server.address() as AddressInfo).port;
  });
  afterEach(() => api.app.close());

  it("answers what is no HTTP with a problem too", async () => {
    const socket = connect(port, "127.0.0.1");
    socket.end("HELO forge\r\n\r\n");
    let text = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    await once(socket, "close");
    expect(text).toMatch(/^HTTP\/1.1 400 /);
    expect(text).toContain('"code":"badRequest"');
  });

  it("notes a caller who left before the answer", async () => {
    const asked = new Promise<void>((resolve) => {
      api.backend.when("followSession", () => {
        resolve();
        return new Promise(() => undefined);
      });
    });
    const connected = once(api.app.server, "connection") as Promise<[Socket]>;
    const headers = { authorization: api.as("operator") };
    const call = request({ host: "127.0.0.1", port, path: "/v1/sessions/ses-local-1?wait=60", headers });
    call.on("error", () => undefined).end();
    const [socket] = await connected;
    await asked;
    expect((await api.call("GET", "/metrics")).body).toContain('forge_http_requests_under_way{weight="waiting"} 1');
    const left = once(socket, "close");
    call.destroy();
    await left;
    const { body } = await api.call("GET", "/metrics");
    expect(body).toContain('route="/v1/sessions/:id",status="499"} 1');
    expect(body).toContain('forge_http_requests_under_way{weight="waiting"} 0');
  });

  it("closes with long polls and streams under way", async () => {
    const asked = new Promise<void>((resolve) => {
      api.backend.when("followSession", () => {
        resolve();
        return new Promise(() => undefined);
      });
    });
    const ended: Promise<unknown>[] = [];
    for (const path of ["/v1/sessions/ses-local-1?wait=60", "/v1/events", "/v1/servers/srv-local-1/logs?follow=true"]) {
      const call = request({ host: "127.0.0.1", port, path, headers: { authorization: api.as("operator") } });
      ended.push(
        new Promise((resolve) => {
          call
            .on("error", resolve)
            .on("response", (response) => response.resume().on("error", resolve).on("close", resolve));
        }),
      );
      call.end();
    }
    await asked;
    await api.app.close();
    await Promise.all(ended);
    expect(ended).toHaveLength(3);
  });
});
