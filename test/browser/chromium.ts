import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { findProgram } from "../skips";

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

export interface LaunchedBrowser {
  readonly browser: Browser;
  close(): Promise<void>;
}

/** Starts a browser that writes into a folder of its own, which goes with it. */
export async function launchChromium(program: string): Promise<LaunchedBrowser> {
  const home = mkdtempSync(join(tmpdir(), "forge-browser-"));
  const env = { ...stringsOf(process.env), HOME: home };
  const browser = await chromium.launch({ executablePath: program, args: FLAGS, env });
  return {
    browser,
    close: async () => {
      await browser.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function stringsOf(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
