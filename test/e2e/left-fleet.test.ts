import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Fleet, Server } from "../../controller/core/resources";
import { freePort } from "../../protocol/free-ports";
import { runForTest } from "../../cli/cli-under-test";
import { AgonesRegion, say } from "../agones/agones-games";
import { ForgeRun } from "./forge-run";
import { ROOT, RunFolder } from "./run-folder";

jest.setTimeout(180_000);

const REGION = "region-1";
const IMAGE = "registry.example/arena:1.0.0";

/** The guide's Fleet and FleetAutoscaler, converted and run on the embedded engine; a server on Agones' Node SDK stands in for the image. */
test("a converted Fleet is scaled by its autoscaler's buffer, allocated by Agones' own call, and updated with its match left alone", async () => {
  const folder = new RunFolder("");
  const server = join(ROOT, "test/agones/node-server.cjs");
  folder.write("fleet.yaml", readFileSync(join(ROOT, "examples/leaving-kubernetes/fleet.yaml"), "utf8"));
  folder.write(
    "answers.toml",
    `engine = "embedded"
[stand_ins."${IMAGE}"]
driver = "raw_exec"
command = [${JSON.stringify(process.execPath)}, ${JSON.stringify(server)}]
env = { GAME_PORT = "\${NOMAD_PORT_game}" }
`,
  );
  const forge = (...args: readonly string[]) => runForTest(["migrate", ...args], { cwd: folder.path });
  const migrated = await forge("fleet.yaml", "--out", "out", "--answers", "answers.toml", "--strict", "error");
  expect(migrated).toMatchObject({ code: 0, err: "" });
  expect(await forge("verify", "out")).toMatchObject({ code: 0 });

  const allocator = await freePort();
  const converted = readFileSync(join(folder.path, "out/forge.toml"), "utf8");
  // Beside what was converted: Agones' allocation call, and the sizes looked at quickly.
  const config = `${converted.replace("[scaling]", "[scaling]\nscale_up_cooldown_secs = 0\nscale_down_cooldown_secs = 1")}
[allocator]
port = ${String(allocator)}
`;
  writeFileSync(folder.config, config);
  const run = await ForgeRun.in(folder, ["--no-demo"]);
  try {
    const fleet = (): Promise<Fleet> => run.ask("GET", `/v1/fleets/arena?region=${REGION}`);
    const readyOnes = (count: number): Promise<Fleet> =>
      run.until(fleet, ({ servers }) => servers.ready === count && servers.starting === 0);
    await readyOnes(2);

    const region = new AgonesRegion(
      { url: run.url, token: run.token, allocator: `http://127.0.0.1:${String(allocator)}` },
      REGION,
    );
    const match = await region.allocateByRest("arena");
    expect(match).toMatchObject({ state: "allocated", version: "1.0.0" });
    expect(await say(match, "hello")).toBe("ACK: hello");
    expect(await say(match, "GET_COUNTER_COUNT rooms")).toBe("0");
    // The buffer is two that are ready beside each that is taken, up to four.
    await readyOnes(2);
    const others = [await region.allocateByRest("arena"), await region.allocateByRest("arena")];
    await run.until(fleet, ({ servers }) => servers.allocated === 3 && servers.ready === 1 && servers.starting === 0);

    // An update: what is new runs the new version, matches that are on play to their end.
    for (const { id } of others) await run.call("DELETE", `/v1/servers/${id}`);
    await run.ask("PUT", `/v1/fleets/arena?region=${REGION}`, { version: "1.1.0" });
    const versions = async (): Promise<readonly string[]> => {
      const { items } = await run.ask<{ items: readonly Server[] }>(
        "GET",
        `/v1/servers?region=${REGION}&experienceId=arena`,
      );
      return items
        .filter(({ state }) => state === "ready" || state === "allocated")
        .map(({ state, version }) => `${state} ${version}`)
        .sort();
    };
    await run.until(versions, (found) => found.join() === "allocated 1.0.0,ready 1.1.0,ready 1.1.0");
    expect(await say(match, "hello")).toBe("ACK: hello");
  } finally {
    await run.dispose();
  }
});
