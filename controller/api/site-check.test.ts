import { type ApiUnderTest, apiUnderTest } from "./api-under-test";
import { Origins } from "./origins";
import { SiteCheck } from "./site-check";

describe("who may be called", () => {
  const site = new SiteCheck({ hosts: ["Forge.Example.com"], origins: new Origins(["https://ops.example.com"]) });
  const outcome = (method: string, host: string | undefined, origin?: string): string => {
    try {
      site.check(method, host, origin);
      return "ok";
    } catch (error) {
      return (error as { code: string }).code;
    }
  };

  it.each([
    "localhost",
    "LOCALHOST:7700",
    "127.0.0.1:7700",
    "10.1.2.3",
    "[::1]:7700",
    "[::1]",
    "one.localhost:80",
    "forge.example.com",
    "forge.example.com.:443",
    "FORGE.example.com:7700",
  ])("%s", (host) => {
    expect([outcome("GET", host), outcome("GET", host)]).toEqual(["ok", "ok"]);
  });

  it.each([
    undefined,
    "",
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.evil.example:7700",
    "1.2.3.4.5",
    "notlocalhost",
    "localhost:7700:7700",
    "localhost@evil.example",
    "[evil.example]",
    "forge.example.com.evil.example",
    "forge.example.com/",
    "2130706433",
  ])("never %p", (host) => {
    expect(outcome("GET", host)).toBe("hostNotAllowed");
    expect(outcome("POST", host)).toBe("hostNotAllowed");
  });

  it.each([
    ["POST", "http://localhost:7700", "ok"],
    ["POST", "https://localhost:7700", "ok"],
    ["DELETE", "https://ops.example.com", "ok"],
    ["GET", "https://evil.example", "ok"],
    ["POST", "https://evil.example", "originNotAllowed"],
    ["POST", "http://localhost:7701", "originNotAllowed"],
    ["POST", "http://localhost", "originNotAllowed"],
    ["POST", "null", "originNotAllowed"],
    ["DELETE", "http://localhost:7700.evil.example", "originNotAllowed"],
  ])("%s from a page of %s is %s", (method, origin, expected) => {
    expect(outcome(method, "localhost:7700", origin)).toBe(expected);
  });
});

describe("the API and other sites' pages", () => {
  let api: ApiUnderTest;
  beforeEach(() => {
    api = apiUnderTest();
  });
  afterEach(() => api.app.close());

  it.each(["/health", "/v1/servers", "/nothing-here"])(
    "does not answer %s to a name that is not its own",
    async (url) => {
      const answer = await api.call("GET", url, { headers: { host: "evil.example:7700" } });
      expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([421, "hostNotAllowed"]);
      expect(api.backend.asked).toEqual([]);
    },
  );

  it("lets no other page change anything, even with a token", async () => {
    const answer = await api.call("DELETE", "/v1/servers/srv-local-1", { headers: { origin: "https://evil.example" } });
    expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([403, "originNotAllowed"]);
    expect(api.backend.asked).toEqual([]);
  });
});
