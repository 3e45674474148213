import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ApiUnderTest, apiUnderTest } from "./api-under-test";

describe("the dashboard", () => {
  let folder: string;
  let api: ApiUnderTest;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "forge-dashboard-"));
    await mkdir(join(folder, "page/assets"), { recursive: true });
    await writeFile(join(folder, "secret.js"), "secret");
    await writeFile(join(folder, "page/index.html"), "<!doctype html><title>Forge</title>");
    await writeFile(join(folder, "page/assets/app.js"), "export {};");
    await writeFile(join(folder, "page/.hidden.js"), "secret");
    await writeFile(join(folder, "page/notes.md"), "secret");
    await symlink(join(folder, "secret.js"), join(folder, "page/link.js"));
    api = apiUnderTest({ dashboardDir: join(folder, "page") });
  });
  afterAll(async () => {
    await api.app.close();
    await rm(folder, { recursive: true });
  });

  const get = (url: string, headers: Record<string, string | undefined> = {}) =>
    api.call("GET", url, { headers: { authorization: undefined, ...headers } });

  it.each([
    ["/", "text/html; charset=utf-8", "<!doctype html><title>Forge</title>"],
    ["/?token=x", "text/html; charset=utf-8", "<!doctype html><title>Forge</title>"],
    ["/index.html", "text/html; charset=utf-8", "<!doctype html><title>Forge</title>"],
    ["/assets/app.js", "text/javascript; charset=utf-8", "export {};"],
  ])("serves %s", async (url, type, body) => {
    const answer = await get(url);
    expect([answer.statusCode, answer.headers["content-type"], answer.body]).toEqual([200, type, body]);
    expect(answer.headers["content-security-policy"]).toContain("default-src 'none'; script-src 'self'");
    expect(answer.headers["x-content-type-options"]).toBe("nosniff");
  });

  it.each([
    "/../secret.js",
    "/%2e%2e/secret.js",
    "/assets/..%2f..%2fsecret.js",
    "//secret.js",
    "/.hidden.js",
    "/notes.md",
    "/link.js",
    "/assets",
    "/assets/",
    "/ASSETS/app.js",
  ])("does not serve %s", async (url) => {
    const answer = await get(url);
    expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([404, "routeUnknown"]);
  });

  it("is not sent again to those who have it", async () => {
    const { headers } = await get("/");
    const again = await get("/", { "if-none-match": String(headers.etag) });
    expect([again.statusCode, again.body]).toEqual([304, ""]);
  });

  it("is read only", async () => {
    expect((await api.call("POST", "/index.html")).statusCode).toBe(404);
  });

  it("is not shown to pages of other names", async () => {
    expect((await get("/", { host: "evil.example" })).statusCode).toBe(421);
  });

  it("has to be there where it is asked for, and need not be otherwise", async () => {
    const missing = apiUnderTest({ dashboardDir: join(folder, "page/assets") });
    await expect(missing.app.ready()).rejects.toThrow("has no index.html");
    const without = apiUnderTest();
    expect((await without.call("GET", "/")).statusCode).toBe(404);
    await without.app.close();
  });
});
