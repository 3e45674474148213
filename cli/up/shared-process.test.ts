import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pino from "pino";
import { loadConfig } from "../../config/load";
import { RootClient } from "../../controller/adapters/embedded/root-client";
import { startRoot } from "../../controller/adapters/embedded/start-root";
import { freePort, isFree } from "../../protocol/free-ports";
import { systemClock } from "../../protocol/clock";
import { bundleRoot, temporaryFolder } from "../../test/contract/embedded-run";
import { planRun } from "./run-plan";
import { newRunSecrets } from "./run-secrets";
import { startSharedProcess } from "./shared-process";

const FORGE_TOML = `
[[regions]]
name = "here"
[experiences.arena]
command = "/bin/sleep"
max_players = 4
`;

test("a region whose agent cannot start leaves no controller behind", async () => {
  const folder = temporaryFolder();
  const handle = await startRoot({ runDir: join(folder, "root"), script: bundleRoot(folder) });
  const access = { socketPath: handle.socketPath, secret: handle.secret };
  const client = await RootClient.connect(access, systemClock);
  try {
    const configFile = join(folder, "forge.toml");
    mkdirSync(join(folder, "dist", "dashboard"), { recursive: true });
    writeFileSync(join(folder, "dist", "dashboard", "index.html"), "<!doctype html>");
    writeFileSync(configFile, FORGE_TOML);
    const { config } = loadConfig({ file: configFile, readFile: () => FORGE_TOML });
    const port = await freePort();
    const options = { configFile, folder, home: folder, socketDir: folder, ports: [port] };
    const plan = planRun(config, options);
    // Where its journal's folder should be there is a file.
    const regions = plan.regions.map((region) => ({ ...region, journalDir: configFile }));
    const surroundings = { clock: systemClock, log: pino({ level: "silent" }), env: {} };
    const root = { ...access, client };
    await expect(startSharedProcess({ ...plan, regions }, newRunSecrets(), root, surroundings)).rejects.toThrow(
      /EEXIST|ENOTDIR/,
    );
    expect(await isFree(port)).toBe(true);
  } finally {
    client.close();
    await handle.close(1);
    rmSync(folder, { recursive: true, force: true });
  }
});
