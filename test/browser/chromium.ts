import { findProgram } from "../skips";

/** The browser of this machine; undefined where there is none. */
export function chromiumProgram(): string | undefined {
  return findProgram("chromium") ?? findProgram("chromium-browser") ?? findProgram("google-chrome");
}

/** How it is started for tests: it asks nobody and writes nowhere but into `home`. */
export function chromiumFlags(home: string): { readonly args: string[]; readonly env: Record<string, string> } {
  return {
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
    env: { ...stringsOf(process.env), HOME: home },
  };
}

function stringsOf(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
