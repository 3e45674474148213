import { createServer, request, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { Page } from "playwright-core";
import type { CommandType } from "../../controller/core/input";
import { skipUnless } from "../skips";
import { chromiumProgram } from "./chromium";
import { OpenedDashboard } from "./opened-dashboard";

// A browser takes its time on a busy machine.
jest.setTimeout(120_000);

const program = chromiumProgram();
const SERVER = "srv-us-east-4f1c8a02";

skipUnless(
  "Dashboard's actions in a browser",
  "chromium is not installed",
  program !== undefined,
)("the dashboard's actions", () => {
  const opened = new OpenedDashboard(program ?? "");

  async function openWith(token: string): Promise<Page> {
    const page = await opened.context.newPage();
    await page.goto(`${opened.run.region().url}/#token=${token}`);
    await page.waitForSelector("#servers tr");
    return page;
  }

  /** What the controllers were asked to change. */
  function changes(): readonly object[] {
    const reading: ReadonlySet<CommandType> = new Set([
      "getRegion",
      "listFleets",
      "listServers",
      "getServer",
      "findSessions",
      "getDecision",
    ]);
    return Object.values(opened.run.regions)
      .flatMap(({ backend }) => backend.asked.map(({ command }) => command))
      .filter(({ type }) => !reading.has(type));
  }

  const drainButton = (page: Page, region: string) =>
    page.locator("#regions .card", { hasText: region }).getByRole("button");

  test("are not shown to who may only look", async () => {
    const page = await openWith(opened.run.token("viewer"));
    expect(await page.locator("#regions .card button, .spawn").count()).toBe(0);
    await page.getByRole("button", { name: SERVER }).click();
    await page.locator("#detail-body section").first().waitFor();
    expect(await page.locator("#detail-body button").count()).toBe(0);
  });

  test("an allocator may spawn, and nothing else", async () => {
    const page = await openWith(opened.run.token("allocator"));
    expect(await page.locator("#regions .card button").count()).toBe(0);
    await page.getByRole("button", { name: "Spawn a server of arena in eu-west" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Spawn" }).click();
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    expect(changes()).toEqual([expect.objectContaining({ type: "spawnServer", experienceId: "arena" })]);
    expect(opened.run.region("eu-west").backend.asked.map(({ command }) => command.type)).toContain("spawnServer");
  });

  test("change nothing before they are confirmed: Enter and Escape cancel", async () => {
    const page = await openWith(opened.run.token("operator"));
    for (const key of ["Enter", "Escape"]) {
      await drainButton(page, "us-east").click();
      const dialog = page.getByRole("dialog");
      expect(await dialog.innerText()).toContain("The 103 players there are moved to other regions.");
      await page.keyboard.press(key);
      await dialog.waitFor({ state: "hidden" });
    }
    expect(changes()).toEqual([]);
  });

  test("drain a region, and open one again", async () => {
    const page = await openWith(opened.run.token("operator"));
    for (const [region, words] of [
      ["us-east", "Drain"],
      ["ap-south", "Open"],
    ] as const) {
      await drainButton(page, region).click();
      await page.getByRole("dialog").getByRole("button", { name: words }).click();
      await page.getByRole("dialog").waitFor({ state: "hidden" });
    }
    expect(changes()).toEqual([
      { type: "drainRegion", on: true },
      { type: "drainRegion", on: false },
    ]);
  });

  test("drain a server for as long as was said, and stop one with force", async () => {
    const page = await openWith(opened.run.token("operator"));
    const openDetail = async (deed: string): Promise<void> => {
      await page.getByRole("button", { name: SERVER }).click();
      await page.locator("#detail").getByRole("button", { name: deed }).click();
    };
    const dialog = page.locator("#confirm");
    await openDetail("Drain…");
    await dialog.getByLabel("Seconds").fill("90");
    await dialog.getByRole("button", { name: "Drain" }).click();
    await dialog.waitFor({ state: "hidden" });
    await openDetail("Stop…");
    await dialog.getByLabel("even with players on it").check();
    await dialog.getByRole("button", { name: "Stop" }).click();
    await dialog.waitFor({ state: "hidden" });
    const terminate = { type: "terminateServer", serverId: SERVER, reason: "from the dashboard" };
    expect(changes()).toEqual([
      { ...terminate, drainSecs: 90, force: false },
      { ...terminate, drainSecs: 0, force: true },
    ]);
  });

  test("say why they were refused, and let one try again", async () => {
    const page = await openWith(opened.run.token("operator"));
    const { backend } = opened.run.region("us-east");
    backend.when("terminateServer", () => ({
      ok: false,
      problem: { code: "alreadyTerminated", detail: "it has ended already" },
    }));
    await page.getByRole("button", { name: SERVER }).click();
    await page.locator("#detail").getByRole("button", { name: "Stop…" }).click();
    const dialog = page.locator("#confirm");
    await dialog.getByRole("button", { name: "Stop" }).click();
    await dialog.locator("text=it has ended already").waitFor();
    expect(await dialog.getByRole("button", { name: "Stop" }).isEnabled()).toBe(true);
  });

  test("the page renews a token that was made for it, and stays signed in when the first is over", async () => {
    const first = opened.run.tokens.mint({
      sub: "kim",
      role: "viewer",
      regions: ["*"],
      expiresInSecs: 600,
      renewableForSecs: 3600,
    }).token;
    await opened.context.clock.install();
    const page = await openWith(first);
    const renewal = page.waitForResponse((answer) => answer.url().endsWith("/v1/tokens"));
    await page.clock.fastForward(451_000);
    const renewed = await renewal;
    expect([renewed.request().method(), renewed.status()]).toEqual(["POST", 201]);
    await page.waitForFunction(`sessionStorage.getItem("forge.token") !== ${JSON.stringify(first)}`);
    const token = String(await page.evaluate("sessionStorage.getItem('forge.token')"));
    expect(opened.run.tokens.verify(token)).toMatchObject({ ok: true, actor: { sub: "kim", role: "viewer" } });
    // What the page asks from now on it asks with the fresh one.
    const next = await page.waitForRequest((asked) => asked.url().includes("/v1/regions"));
    expect(next.headers()["authorization"]).toBe(`Bearer ${token}`);
  });

  test("pages of another site can do none of it, even with the operator's token", async () => {
    const foreign: Server = createServer((_request, response) =>
      response.writeHead(200, { "content-type": "text/html" }).end("<title>another site</title>"),
    );
    foreign.listen(0, "127.0.0.1");
    await once(foreign, "listening");
    try {
      const page = await opened.context.newPage();
      await page.goto(`http://localhost:${(foreign.address() as AddressInfo).port}/`);
      const target = `${opened.run.region("us-east").url}/v1/regions/us-east/drain`;
      const attempts = await page.evaluate(
        async ([url = "", token = ""]) => {
          const tries: RequestInit[] = [
            { method: "POST", mode: "no-cors" },
            { method: "POST", mode: "no-cors", body: "{}", headers: { "content-type": "text/plain" } },
            { method: "POST", headers: { authorization: `Bearer ${token}` } },
            { method: "DELETE", headers: { authorization: `Bearer ${token}` } },
          ];
          return Promise.all(
            tries.map((init) =>
              fetch(url, init).then(
                ({ type }) => type,
                () => "refused",
              ),
            ),
          );
        },
        [target, opened.run.token("operator")],
      );
      // An opaque answer is one that the page may not read; what it says is that the origin is not allowed.
      expect(attempts).toEqual(["opaque", "opaque", "refused", "refused"]);
      expect(changes()).toEqual([]);
    } finally {
      foreign.close();
      foreign.closeAllConnections();
    }
  });

  test.each([
    ["a name that was rebound to this machine", { host: "evil.example.com" }, 421],
    ["a page of another origin", { origin: "http://evil.example.com" }, 403],
    ["the page itself", {}, 200],
  ])("a call by %s", async (_who, headers, status) => {
    const { hostname, port } = new URL(opened.run.region().url);
    const authorization = `Bearer ${opened.run.token("operator")}`;
    const call = request({
      method: "POST",
      hostname,
      port,
      path: "/v1/regions/us-east/drain",
      headers: { authorization, ...headers },
    });
    call.end();
    const [answer] = (await once(call, "response")) as [{ statusCode: number; resume(): void }];
    answer.resume();
    expect(answer.statusCode).toBe(status);
    expect(changes()).toHaveLength(status === 200 ? 1 : 0);
  });
});
