import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium } from "playwright-core";
import type { RunDouble } from "../double/run-double";
import { findProgram } from "../skips";
import { startDashboardDouble } from "./dashboard-double";

/** It asks nobody. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The browser of this machine; undefined where there is none. */
export function chromiumProgram(): string | undefined {
  return findProgram("chromium") ?? findProgram("chromium-browser") ?? findProgram("google-chrome");
}

/** One browser for the tests of a suite, and for each test a run and a context (cookies, storage) of its own. */
export class OpenedDashboard {
  #browser: Browser | undefined;
  #home = "";
  #run: RunDouble | undefined;
  #context: BrowserContext | undefined;

  /** @param program called in a suite: it registers what opens and closes it */
  constructor(program: string) {
    beforeAll(async () => {
      this.#home = mkdtempSync(join(tmpdir(), "forge-browser-"));
      // It writes nowhere but there.
      const env = { ...stringsOf(process.env), HOME: this.#home };
      this.#browser = await chromium.launch({ executablePath: program, args: FLAGS, env });
    });
    afterAll(async () => {
      await this.#browser?.close();
      rmSync(this.#home, { recursive: true, force: true });
    });
    beforeEach(async () => {
      this.#run = await startDashboardDouble();
      this.#context = await this.#browser?.newContext({ viewport: { width: 1440, height: 1000 } });
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

function stringsOf(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
