import { mkdtempSync, readlinkSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeServerFolders, removeServerFolders, serverFolders, taskPlace, volumeFolder } from "./server-folders";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "forge-folders-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("a server's folders", () => {
  it("are laid out as Nomad does it, secrets closed to others", async () => {
    const folders = serverFolders(folder, "alloc-1");
    await makeServerFolders(folders, ["primary", "physics"], []);
    expect(readdirSync(folders.root).sort()).toEqual(["alloc", "physics", "primary"]);
    expect(readdirSync(folders.allocDir).sort()).toEqual(["data", "logs", "tmp"]);
    const { cwd, taskDir, secretsDir } = taskPlace(folders, "primary");
    expect([taskDir, secretsDir]).toEqual([join(cwd, "local"), join(cwd, "secrets")]);
    expect(statSync(secretsDir).mode & 0o777).toBe(0o700);
  });

  it("show volumes where the server looks for them, and keep them when they go", async () => {
    const world = volumeFolder(join(folder, "data"), "us-east", "survival", "world");
    const folders = serverFolders(folder, "alloc-1");
    const volumes = [
      { path: "/data", folder: world },
      { path: "deep/er", folder: world },
    ];
    await makeServerFolders(folders, ["primary"], volumes);
    const { cwd } = taskPlace(folders, "primary");
    expect([readlinkSync(join(cwd, "data")), readlinkSync(join(cwd, "deep", "er"))]).toEqual([world, world]);
    writeFileSync(join(cwd, "data", "map"), "kept");
    await removeServerFolders(folders);
    expect(readdirSync(world)).toEqual(["map"]);
    expect(readdirSync(join(folder, "allocations"))).toEqual([]);
  });

  it("never reach out of the task's own folder", async () => {
    const folders = serverFolders(folder, "alloc-1");
    const outside = { path: "/../../outside", folder: join(folder, "data") };
    await makeServerFolders(folders, ["primary"], [outside, { ...outside, path: "/" }]);
    expect(readdirSync(folder).sort()).toEqual(["allocations", "data"]);
    expect(readdirSync(folders.root).sort()).toEqual(["alloc", "primary"]);
  });
});
