import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compareVersions, findInPlaces, forgeCache, requireProgram, versionIn } from "./programs";

describe("finding programs", () => {
  let folder: string;
  let path: string;
  let cache: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "forge-programs-"));
    path = join(folder, "path");
    cache = join(folder, "cache");
    mkdirSync(path);
    mkdirSync(join(cache, "bin"), { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const put = (where: string, name: string, says: string, mode = 0o755): string => {
    const file = join(where, name);
    writeFileSync(file, `#!/bin/sh\necho '${says}'\n`);
    chmodSync(file, mode);
    return file;
  };

  it("looks on PATH before the cache, and at files that may be started only", () => {
    const cached = put(join(cache, "bin"), "nomad", "Nomad v2.0.5");
    put(path, "nomad", "Nomad v2.0.5", 0o644);
    expect(findInPlaces("nomad", { path, cache })?.file).toBe(cached);
    const onPath = put(path, "nomad", "Nomad v2.0.5");
    expect(findInPlaces("nomad", { path, cache })?.file).toBe(onPath);
  });

  it("takes OpenBao for Vault, and says which it is", async () => {
    const file = put(join(cache, "bin"), "bao", "OpenBao v2.4.4");
    await expect(requireProgram("vault", { path, cache })).resolves.toEqual({
      name: "vault",
      kind: "bao",
      file,
      version: "2.4.4",
    });
  });

  it("says what is missing and where it looked", async () => {
    await expect(requireProgram("consul", { path, cache })).rejects.toMatchObject({
      code: "programMissing",
      message: expect.stringContaining(join(cache, "bin")),
      fix: expect.stringContaining("doctor --get"),
    });
  });

  it("says what is too old, with both versions", async () => {
    put(path, "nomad", "Nomad v1.4.2");
    await expect(requireProgram("nomad", { path, cache })).rejects.toMatchObject({
      code: "programTooOld",
      message: expect.stringMatching(/is 1\.4\.2.*1\.10\.0/),
    });
  });

  it("does not take a program that says no version", async () => {
    put(path, "nomad", "hello");
    await expect(requireProgram("nomad", { path, cache })).rejects.toMatchObject({ code: "programMissing" });
  });
});

describe("versions", () => {
  it.each([
    ["Consul v1.8.7\nProtocol 2", "1.8.7"],
    ["Terraform v1.11.4\non linux_amd64", "1.11.4"],
    ["OpenBao v2.4.4 (abc), built", "2.4.4"],
    ["no version here", undefined],
  ])("are read out of %j", (text, version) => expect(versionIn(text)).toBe(version));

  it("are compared as numbers", () => {
    expect(compareVersions("1.10.0", "1.9.9")).toBeGreaterThan(0);
    expect(compareVersions("1.8.7", "1.8.7")).toBe(0);
    expect(compareVersions("0.9.9", "1.0.0")).toBeLessThan(0);
  });
});

describe("the cache", () => {
  it("lies where the system keeps caches", () => {
    expect(forgeCache({}, "/home/a")).toBe("/home/a/.cache/forge");
    expect(forgeCache({ XDG_CACHE_HOME: "/var/c" }, "/home/a")).toBe("/var/c/forge");
  });
});
