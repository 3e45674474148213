import { createHash } from "node:crypto";
import { accessSync, constants, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { getRelease } from "./get-release";
import { releaseOf, type Release } from "./release";

/** A zip with one file, as the makers' are: compressed, with a directory at the end. */
function zipOf(name: string, text: string): Buffer {
  const data = deflateRawSync(Buffer.from(text));
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(8, 8);
  local.writeUInt16LE(name.length, 26);
  const entry = Buffer.alloc(46);
  entry.writeUInt32LE(0x02014b50, 0);
  entry.writeUInt16LE(8, 10);
  entry.writeUInt32LE(data.length, 20);
  entry.writeUInt16LE(name.length, 28);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt32LE(entry.length + name.length, 12);
  end.writeUInt32LE(local.length + name.length + data.length, 16);
  return Buffer.concat([local, Buffer.from(name), data, entry, Buffer.from(name), end]);
}

describe("fetching a release", () => {
  let folder: string;
  let server: Server;
  let release: Release;
  /** What the maker's server has, by path; a function answers itself. */
  let files: Record<string, Buffer | ((response: ServerResponse) => void)>;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "forge-release-"));
    server = createServer((request, response) => {
      const file = files[request.url ?? ""];
      if (typeof file === "function") return file(response);
      response.writeHead(file === undefined ? 404 : 200).end(file);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const base = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    release = releaseOf("nomad", "linux", "x64", base) as Release;
    publish(zipOf("nomad", "#!/bin/sh\necho Nomad v2.0.5\n"));
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });

  const pathOf = (file: string): string => `/nomad/${release.version}/${file}`;
  function publish(archive: Buffer, listed = archive): void {
    const hash = createHash("sha256").update(listed).digest("hex");
    const sums = `${"0".repeat(64)}  nomad_${release.version}_darwin_arm64.zip\n${hash}  ${release.archive}\n`;
    files = { [pathOf(release.archive)]: archive, [pathOf(release.checksums)]: Buffer.from(sums) };
  }

  it("puts the program there, executable, and nothing else", async () => {
    const file = await getRelease(release, join(folder, "bin"));
    expect(file).toBe(join(folder, "bin", "nomad"));
    expect(readFileSync(file, "utf8")).toBe("#!/bin/sh\necho Nomad v2.0.5\n");
    accessSync(file, constants.X_OK);
    expect(readdirSync(join(folder, "bin"))).toEqual(["nomad"]);
  });

  const refused = async (message: RegExp): Promise<void> => {
    await expect(getRelease(release, folder)).rejects.toMatchObject({
      code: "download",
      message: expect.stringMatching(message),
      fix: expect.stringMatching(/./),
    });
    expect(existsSync(join(folder, "nomad"))).toBe(false);
    expect(readdirSync(folder)).toEqual([]);
  };

  it("refuses an archive with another checksum, and keeps nothing of it", async () => {
    publish(zipOf("nomad", "something else"), zipOf("nomad", "the real one"));
    await refused(/has the checksum [0-9a-f]{64}, and its makers say [0-9a-f]{64}/);
  });

  it("refuses an archive that was cut short", async () => {
    const whole = zipOf("nomad", "x".repeat(1000));
    files[pathOf(release.archive)] = (response) => {
      response.writeHead(200, { "content-length": whole.length });
      response.write(whole.subarray(0, 20), () => response.destroy());
    };
    await refused(/was cut short/);
  });

  it("says what is not published", async () => {
    files = {};
    await refused(/SHA256SUMS answered 404/);
    publish(zipOf("nomad", "x"));
    files[pathOf(release.checksums)] = Buffer.from("nothing here\n");
    await refused(/has no checksum of nomad_/);
  });

  it("says that an archive has no program in it, or is none", async () => {
    publish(zipOf("LICENSE.txt", "x"));
    await refused(/has no file "nomad" in it/);
    publish(Buffer.from("<html>please log in</html>".repeat(4)));
    await refused(/is no archive that can be read/);
  });

  it("says that there is no network", async () => {
    release = { ...release, url: "http://127.0.0.1:1/nomad" };
    await refused(/cannot be reached: .*ECONNREFUSED/);
  });
});

describe("the makers' releases", () => {
  it("are where they publish them", () => {
    expect(releaseOf("vault", "linux", "arm64")).toMatchObject({
      url: expect.stringMatching(/^https:\/\/releases\.hashicorp\.com\/vault\/\d+\.\d+\.\d+$/),
      archive: expect.stringMatching(/^vault_.*_linux_arm64\.zip$/),
    });
    expect(releaseOf("nomad", "win32", "x64")).toBeUndefined();
  });
});
