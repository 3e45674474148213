import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { findProgram, skipUnless } from "../../test/skips";
import { AgonesAllocator } from "./agones-allocator";

const OPENSSL = findProgram("openssl");

skipUnless(
  "OpenSSL",
  "openssl is not installed",
  OPENSSL !== undefined,
)("an allocator service that asks for a client's certificate", () => {
  let folder: string;
  let server: Server;
  let url: string;
  const names: string[] = [];
  const at = (name: string): string => join(folder, name);
  const openssl = (...args: readonly string[]): void => void execFileSync(OPENSSL ?? "", args, { stdio: "pipe" });

  /** NAME.pem and NAME.key, of the authority CA or of their own. */
  function certify(name: string, subject: string, ca?: string): void {
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", at(`${name}.key`)];
    const names = ["-subj", `/CN=${subject}`, "-addext", "subjectAltName=IP:127.0.0.1"];
    const by = ca === undefined ? [] : ["-CA", at(`${ca}.pem`), "-CAkey", at(`${ca}.key`)];
    openssl("req", "-x509", "-days", "2", ...key, ...names, ...by, "-out", at(`${name}.pem`));
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "forge-allocator-"));
    certify("ca", "authority");
    certify("server", "allocator", "ca");
    certify("first", "first client", "ca");
    certify("second", "second client", "ca");
    certify("stranger", "stranger");
    const read = (file: string): Buffer => readFileSync(at(file));
    const options = { ca: read("ca.pem"), cert: read("server.pem"), key: read("server.key") };
    server = createServer({ ...options, requestCert: true, rejectUnauthorized: true }, (request, response) => {
      request.resume();
      names.push(String((request.socket as TLSSocket).getPeerCertificate().subject.CN));
      response.setHeader("connection", "close");
      response.end(JSON.stringify({ gameServerName: `arena-${names.length}`, address: "192.0.2.7", ports: [] }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });

  const allocatorWith = (client: string, ca = "ca"): AgonesAllocator =>
    new AgonesAllocator({
      ...{ url, namespace: "games", fleet: "arena" },
      tls: { caFile: at(`${ca}.pem`), certFile: at(`${client}.pem`), keyFile: at(`${client}.key`) },
    });

  it("is shown the one of the plan, and the renewed one after a refusal", async () => {
    for (const end of ["pem", "key"]) copyFileSync(at(`stranger.${end}`), at(`mine.${end}`));
    const allocator = allocatorWith("mine");
    await expect(allocator.allocate("a", {})).rejects.toThrow(/did not answer/);
    for (const end of ["pem", "key"]) copyFileSync(at(`second.${end}`), at(`mine.${end}`));
    // Refused once more with the old one; then the files are read again.
    await expect(allocator.allocate("b", {})).rejects.toThrow(/did not answer/);
    expect(await allocator.allocate("c", {})).toMatchObject({ address: "192.0.2.7" });
    expect(names).toEqual(["second client"]);
    await allocator.close();
  });

  it("is not believed where its own comes from another authority", async () => {
    const allocator = allocatorWith("first", "stranger");
    await expect(allocator.allocate("a", {})).rejects.toThrow(/did not answer/);
    await allocator.close();
  });

  it("is not asked at all where a file is missing", () => {
    expect(() => allocatorWith("nobody")).toThrow(/nobody\.pem cannot be read: ENOENT/);
  });
});
