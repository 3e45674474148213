import type { BrowserContext } from "playwright-core";
import type { RunDouble } from "../double/run-double";
import { launchChromium, type LaunchedBrowser } from "./chromium";
import { startDashboardDouble } from "./dashboard-double";

/** One browser for the tests of a suite, and for each test a run and a context (cookies, storage) of its own. */
export class OpenedDashboard {
  #launched: LaunchedBrowser | undefined;
  #run: RunDouble | undefined;
  #context: BrowserContext | undefined;

  /** @param program called in a suite: it registers what opens and closes it */
  constructor(program: string) {
    beforeAll(async () => {
      this.#launched = await launchChromium(program);
    });
    afterAll(() => this.#launched?.close());
    beforeEach(async () => {
      this.#run = await startDashboardDouble();
      this.#context = await this.#launched?.browser.newContext({ viewport: { width: 1440, height: 1000 } });
    });
    afterEach(async () => {
      await this.#context?.close();
      await this.#run?.close();
    });
  }

  get run(): RunDouble {
    if (this.#run === undefined) throw new Error("a run is there within a test only");
    return this.#run;
  }

  get context(): BrowserContext {
    if (this.#context === undefined) throw new Error("a context is there within a test only");
    return this.#context;
  }
}
