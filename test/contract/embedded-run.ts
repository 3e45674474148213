import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { EmbeddedEngine } from "../../controller/adapters/embedded/embedded-engine";
import { startRoot, type RootHandle } from "../../controller/adapters/embedded/start-root";
import type { EngineUnderTest } from "./engine-harness";

const REPOSITORY = join(__dirname, "..", "..");

/** A run of the embedded engine in a folder of its own. */
export interface EmbeddedRun extends EngineUnderTest {
  readonly engine: EmbeddedEngine;
  readonly root: RootHandle;
  readonly warnings: readonly string[];
  reopen(): Promise<EmbeddedEngine>;
}

/** Bundles the root program as it is now, so that a test of it alone needs no build. */
export function bundleRoot(folder: string): string {
  return bundle(join(REPOSITORY, "controller/adapters/embedded/root/main.ts"), folder);
}

/** Makes one JavaScript file of a program; returns its path. */
export function bundle(source: string, folder: string): string {
  const script = join(folder, `${basename(dirname(source))}-${basename(source, ".ts")}.js`);
  const options = ["--bundle", "--platform=node", "--target=node20", "--format=cjs", "--log-level=error"];
  execFileSync(join(REPOSITORY, "node_modules/esbuild/bin/esbuild"), [source, ...options, `--outfile=${script}`]);
  return script;
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), "forge-engine-"));
}

export async function startEmbedded(): Promise<EmbeddedRun> {
  const folder = temporaryFolder();
  const runDir = join(folder, "run");
  const root = await startRoot({ runDir, script: bundleRoot(folder) });
  const warnings: string[] = [];
  const connect = () =>
    EmbeddedEngine.connect({
      region: "here",
      root,
      runDir,
      dataDir: join(folder, "data"),
      home: REPOSITORY,
      baseDir: REPOSITORY,
      ports: { first: 20_000, last: 29_999 },
      env: process.env,
      warn: (message) => void warnings.push(message),
    });
  const engine = await connect();
  const close = async () => {
    await engine.close();
    const { left } = await root.close(1);
    rmSync(folder, { recursive: true, force: true });
    if (left.length > 0) throw new Error(`the run left processes ${left.join(", ")} behind`);
  };
  return { engine, root, folder, warnings, reopen: connect, close, processesOf: ({ pids }) => pids };
}
