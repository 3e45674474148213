import type { Page } from "playwright-core";
import type { Server } from "../../controller/core/resources";
import { sampleServer, scalingEvent, serverEvent } from "../double/samples";
import { skipUnless } from "../skips";
import { storyOfEvents } from "./dashboard-double";
import { chromiumProgram } from "./chromium";
import { OpenedDashboard } from "./opened-dashboard";

// A browser takes its time on a busy machine.
jest.setTimeout(120_000);

const program = chromiumProgram();

skipUnless(
  "Dashboard in a browser",
  "chromium is not installed",
  program !== undefined,
)("the dashboard", () => {
  const opened = new OpenedDashboard(program ?? "");
  /** What the browser itself found wrong: script errors, refused resources, violations of the page's policy. */
  let complaints: string[];

  beforeEach(() => void (complaints = []));

  async function open(path: string): Promise<Page> {
    const page = await opened.context.newPage();
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.goto(opened.run.region().url + path);
    return page;
  }

  async function openRun(role: "operator" | "viewer" = "viewer"): Promise<Page> {
    const page = await open(`/#token=${opened.run.token(role)}`);
    await page.waitForSelector('#connection[data-state="live"]');
    await page.waitForSelector("#servers tr");
    return page;
  }

  test("shows regions, fleets and servers, and takes the token out of the address", async () => {
    const page = await openRun();
    expect(page.url()).toBe(`${opened.run.region().url}/`);
    expect(await page.locator("#regions h3").allTextContents()).toEqual(["ap-south", "eu-west", "us-east"]);
    expect(await page.locator("#regions .state").allTextContents()).toEqual(["draining", "up", "up"]);
    expect(await page.locator("#totals").innerText()).toMatch(/2\/3\s+Regions up\s+9\s+Servers\s+144\s+Players/);
    expect(await page.locator("#fleets tr").count()).toBe(3);
    expect(await page.locator("#servers tr").count()).toBe(12);
    const row = page.locator("#servers tr", { hasText: "srv-us-east-4f1c8a02" });
    expect(await row.innerText()).toMatch(/ready\s+arena\s+us-east\s+24\/24\s+90%\s+60 MiB\s+us-east-node-1/);
    // The bar itself, not only its words: the page's policy forbids styles in markup.
    const fill = row.locator("[data-part=players] .fill");
    expect(await fill.evaluate((bar) => bar.style.width)).toBe("100%");
    expect(complaints).toEqual([]);
  });

  test("shows events as they come, a failover with its steps, and the last scaling of a fleet", async () => {
    const page = await openRun();
    for (const event of storyOfEvents("us-east", Date.now())) opened.run.region("us-east").backend.events.append(event);
    opened.run
      .region("eu-west")
      .backend.events.append(scalingEvent({ region: "eu-west", action: "down", from: 3, to: 2 }));
    const failover = page.locator(".failover");
    await failover.waitFor();
    await page.locator("#events .event", { hasText: "failover replace" }).waitFor();
    expect(await failover.locator("[data-done=true]").allInnerTexts()).toEqual(
      ["detect +0", "isolate +1", "migrate +3", "terminate +4", "replace +6"].map((step) =>
        expect.stringMatching(new RegExp(`^${step.replace(" +", "\\s+\\+")} ms$`)),
      ),
    );
    await page.locator("#fleets tr", { hasText: "eu-west" }).locator("text=/▼ 3 → 2/").waitFor();
    expect(complaints).toEqual([]);
  });

  test("begins with what happened before it was opened", async () => {
    opened.run.region("us-east").backend.events.append(serverEvent("server.ready", { serverId: "srv-us-east-early" }));
    const page = await openRun();
    await page.locator("#events .event", { hasText: "srv-us-east-early" }).waitFor();
  });

  test("comes back by itself, and tells what happened meanwhile", async () => {
    const page = await openRun();
    const { app, backend } = opened.run.region("us-east");
    backend.events.append(serverEvent("server.spawned", { serverId: "srv-us-east-first" }));
    await page.locator("#events .event", { hasText: "srv-us-east-first" }).waitFor();
    app.server.closeAllConnections();
    backend.events.append(serverEvent("server.spawned", { serverId: "srv-us-east-meanwhile" }));
    await page.locator("#events .event", { hasText: "srv-us-east-meanwhile" }).waitFor();
    expect(await page.locator("#events .event", { hasText: "srv-us-east-first" }).count()).toBe(1);
  });

  test("opens a server's details by keyboard, with its sessions and why, and gives the focus back", async () => {
    const page = await openRun();
    const button = page.getByRole("button", { name: "srv-us-east-4f1c8a02" });
    await button.focus();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog");
    await dialog.locator("text=players a server 23.0 above 20").waitFor();
    expect(await dialog.innerText()).toMatch(/Sessions \(3\)[^]*bot-1\s+active\s+31 ms\s+1%/);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    expect(await page.evaluate("document.activeElement.textContent")).toBe("srv-us-east-4f1c8a02");
    expect(complaints).toEqual([]);
  });

  test("bounds what it shows of many servers, and finds the rest by filter and order", async () => {
    const many = Array.from({ length: 1200 }, (_, n) => manyServer(n));
    opened.run.region("us-east").backend.when("listServers", () => ({ ok: true, value: many }));
    const page = await openRun();
    expect(await page.locator("#servers tr").count()).toBe(500);
    expect(await page.locator("#servers-count").innerText()).toBe("the first 500 of 1,206: narrow the filter");
    await page.locator("#servers-filter").fill("srv-many-1199");
    expect(await page.locator("#servers tr").allInnerTexts()).toEqual([expect.stringContaining("srv-many-1199")]);
    await page.locator("#servers-filter").fill("mode=ranked");
    expect(await page.locator("#servers-count").innerText()).toBe("12 of 1,206");
    const age = page.getByRole("button", { name: "Age" });
    await age.click();
    expect(await page.locator("#servers tr").first().innerText()).toContain("srv-many-0000");
    expect(await page.locator("th[data-column=age]").getAttribute("aria-sort")).toBe("descending");
    await age.click();
    expect(await page.locator("#servers tr").first().innerText()).toContain("srv-many-1100");
  });

  test("keeps the list of events bounded", async () => {
    const page = await openRun();
    const { events } = opened.run.region("us-east").backend;
    for (let n = 0; n < 700; n++) {
      events.append(serverEvent("server.ready", { serverId: `srv-us-east-${n}` }));
      if (n % 50 === 49)
        await page
          .locator("#events .event", { hasText: `srv-us-east-${n}` })
          .first()
          .waitFor();
    }
    expect(await page.locator("#events .event").count()).toBe(300);
  });

  test("shows text of players and servers as text", async () => {
    const markup = '<img src=x onerror="document.title = 1">';
    const page = await openRun();
    opened.run.region("us-east").backend.events.append(serverEvent("server.blocked", { reason: markup }));
    await page.locator("#events .event", { hasText: markup }).waitFor();
    expect(await page.locator("#events img").count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  test("asks for a token once, says why one was refused, and forgets it on signing out", async () => {
    const page = await open("/");
    const field = page.getByLabel("API token");
    await field.fill("nonsense");
    await page.getByRole("button", { name: "Show the run" }).click();
    await page.locator("text=This is no token of Forge.").waitFor();
    await field.fill(opened.run.token("viewer"));
    await page.getByRole("button", { name: "Show the run" }).click();
    await page.waitForSelector("#servers tr");
    await page.reload();
    await page.waitForSelector("#servers tr");
    await page.getByRole("button", { name: "Sign out" }).click();
    await field.waitFor();
    expect(await page.evaluate("JSON.stringify({ ...sessionStorage, ...localStorage })")).not.toContain("eyJ");
  });

  test("fits a phone, and both themes", async () => {
    const page = await openRun();
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(360);
    const background = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    const light = await background();
    await page.getByRole("button", { name: "Theme" }).click();
    expect(await background()).not.toBe(light);
    await page.reload();
    await page.waitForSelector("#servers tr");
    expect(await background()).not.toBe(light);
  });
});

function manyServer(n: number): Server {
  return sampleServer({
    id: `srv-many-${String(n).padStart(4, "0")}`,
    labels: n % 100 === 0 ? { mode: "ranked" } : {},
    createdAt: new Date(Date.now() - (1200 - n) * 1000).toISOString(),
  });
}
