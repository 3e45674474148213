import { rmSync } from "node:fs";
import { join } from "node:path";
import { EmbeddedEngine } from "../../controller/adapters/embedded/embedded-engine";
import { RootClient } from "../../controller/adapters/embedded/root-client";
import type { RootEvent } from "../../controller/adapters/embedded/root-protocol";
import { startRoot, type RootHandle } from "../../controller/adapters/embedded/start-root";
import { bundleRoot, temporaryFolder } from "./embedded-run";

/** Root processes for the tests of one file: each test has a run folder of its own, and nothing is left after it. */
export class RootStage {
  readonly folder = temporaryFolder();
  script = "";
  runDir = "";
  private runs = 0;
  private readonly roots: RootHandle[] = [];
  private readonly clients: { close(): unknown }[] = [];

  /** Call in the body of the test file. */
  install(): this {
    beforeAll(() => {
      this.script = bundleRoot(this.folder);
    });
    beforeEach(() => {
      this.runs += 1;
      this.runDir = join(this.folder, `run-${this.runs}`);
    });
    afterEach(() => this.closeAll());
    afterAll(() => rmSync(this.folder, { recursive: true, force: true }));
    return this;
  }

  async openRoot(): Promise<RootHandle> {
    const root = await startRoot({ runDir: this.runDir, script: this.script });
    this.roots.push(root);
    return root;
  }

  async openEngine(region = "here", warnings: string[] = []): Promise<EmbeddedEngine> {
    const { runDir, folder } = this;
    const engine = await EmbeddedEngine.connect({
      region,
      root: { runDir },
      runDir,
      dataDir: join(runDir, "data"),
      home: folder,
      baseDir: __dirname,
      ports: { first: 20_000, last: 29_999 },
      env: process.env,
      warn: (message) => void warnings.push(message),
    });
    this.clients.push(engine);
    return engine;
  }

  /** A client, and a promise of the first event, seen or to come, that is as wanted. */
  async openClient(): Promise<{ client: RootClient; event: (wanted: Wanted) => Promise<RootEvent> }> {
    const client = await RootClient.connect({ runDir: this.runDir });
    this.clients.push(client);
    const seen: RootEvent[] = [];
    let wake = () => {};
    const onEvent = (event: RootEvent) => {
      seen.push(event);
      wake();
    };
    client.subscribe({ onEvent });
    const event = (wanted: Wanted) =>
      new Promise<RootEvent>((resolve) => {
        wake = () => {
          const found = seen.find(wanted);
          if (found !== undefined) resolve(found);
        };
        wake();
      });
    return { client, event };
  }

  async closeAll(): Promise<void> {
    for (const client of this.clients.splice(0)) await client.close();
    for (const root of this.roots.splice(0)) await root.close(0);
  }
}

type Wanted = (event: RootEvent) => boolean;
