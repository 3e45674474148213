import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VirtualClock } from "../../../../protocol/virtual-clock";
import { Entry } from "./entry";
import { FakeLauncher, settled, specOf } from "./fake-launcher";
import { SpawnPace } from "./spawn-pace";
import { StateFiles } from "./state-files";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "forge-state-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function viewsOfALife() {
  const clock = new VirtualClock();
  const launcher = new FakeLauncher();
  const outside = { clock, launcher, pace: new SpawnPace(50, clock), tell: () => {} };
  const entry = new Entry(specOf({ claims: ["port:1"], record: "kept" }), outside);
  void entry.start();
  await settled();
  const running = entry.view();
  launcher.started[0]?.exit({ exitCode: 4, signal: null });
  return { running, ended: entry.view() };
}

describe("state files", () => {
  it("tell the next root what ran: it was killed with the one before", async () => {
    const { running } = await viewsOfALife();
    new StateFiles(folder, fail).save(running);
    const [view] = new StateFiles(folder, fail).load(42);
    const exit = { signal: "SIGKILL", exitCode: null, requested: false, atMs: 42 };
    expect(view).toMatchObject({ id: "server-1", state: "ended", claims: [], record: "kept", exit });
  });

  it("keep an exit that was seen", async () => {
    const { running, ended } = await viewsOfALife();
    const files = new StateFiles(folder, fail);
    files.save(running);
    files.save(ended);
    expect(files.load(42)).toEqual([ended]);
  });

  it("are closed to others and go when told", async () => {
    const { running } = await viewsOfALife();
    const files = new StateFiles(folder, fail);
    files.save(running);
    expect(statSync(join(folder, "server-1.json")).mode & 0o777).toBe(0o600);
    files.remove("server-1");
    files.remove("server-1");
    expect(readdirSync(folder)).toEqual([]);
  });

  it("that cannot be read are left out, and that is said", () => {
    writeFileSync(join(folder, "broken.json"), '{"id": "bro');
    const warnings: string[] = [];
    expect(new StateFiles(folder, (message) => void warnings.push(message)).load(0)).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining("broken.json cannot be read")]);
  });
});

function fail(message: string): void {
  throw new Error(message);
}
