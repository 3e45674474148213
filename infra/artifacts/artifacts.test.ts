import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { artifactServer } from "./artifact-server";
import { ArtifactStore } from "./artifact-store";

describe("the artifact server", () => {
  let folder: string;
  let dist: string;
  let server: Server;
  let address: string;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "forge-artifacts-"));
    dist = join(folder, "dist");
    mkdirSync(join(dist, "games"), { recursive: true });
    writeFileSync(join(folder, "secret"), "secret");
    server = artifactServer(new ArtifactStore(dist, join(folder, "kept")));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    address = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });

  /** A build: its files, and their list. @returns checksums by file */
  function build(files: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    const hashes = Object.fromEntries(
      Object.entries(files).map(([file, text]) => [file, createHash("sha256").update(text).digest("hex")]),
    );
    for (const [file, text] of Object.entries(files)) writeFileSync(join(dist, file), text);
    const list = Object.fromEntries(Object.keys(files).map((file) => [file, { file, sha256: hashes[file], bytes: 1 }]));
    writeFileSync(join(dist, "bundles.json"), JSON.stringify(list));
    return hashes;
  }
  const get = async (path: string, method = "GET"): Promise<{ status: number; text: string }> => {
    const response = await fetch(address + path, { method });
    return { status: response.status, text: await response.text() };
  };

  it("gives what was built last by its name, and by its checksum", async () => {
    const hashes = build({ "controller.js": "one", "games/pong.js": "pong" });
    expect(await get("/controller.js")).toEqual({ status: 200, text: "one" });
    expect(await get(`/${hashes["games/pong.js"]}/games/pong.js`)).toEqual({ status: 200, text: "pong" });
    expect(await get("/controller.js", "HEAD")).toEqual({ status: 200, text: "" });
  });

  it("still has the old bytes after another build, where somebody was given them", async () => {
    const before = build({ "controller.js": "one" });
    await get("/controller.js");
    build({ "controller.js": "two" });
    expect((await get(`/${before["controller.js"]}/controller.js`)).text).toBe("one");
    expect((await get("/controller.js")).text).toBe("two");
  });

  it("gives nothing whose checksum is not the list's: a build may be under way", async () => {
    build({ "controller.js": "one" });
    writeFileSync(join(dist, "controller.js"), "half");
    expect((await get("/controller.js")).status).toBe(404);
  });

  it.each(["/../secret", "/%2e%2e/secret", "/forge.js", "/bundles.json", `/${"0".repeat(64)}/controller.js`, "/"])(
    "has nothing at %s",
    async (path) => {
      build({ "controller.js": "one" });
      writeFileSync(join(dist, "forge.js"), "forge");
      expect((await get(path)).status).toBe(404);
    },
  );

  it("takes nothing", async () => {
    expect((await get("/controller.js", "POST")).status).toBe(405);
    expect((await get("/health")).status).toBe(200);
  });
});
