import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AddressInfo } from "node:net";
import type { Server as TlsServer, TLSSocket } from "node:tls";
import { connect as connectTls } from "node:tls";
import { request } from "undici";
import { showAuthority, trustingAgent } from "../../clients/authority";
import { openCertificate, type CertificateSource, type LiveCertificate } from "../../clients/live-certificate";
import { apiUnderTest, type ApiUnderTest } from "../../controller/api/api-under-test";
import { systemClock, type Clock } from "../../protocol/clock";
import { agentCodec, controllerCodec } from "../../protocol/codec";
import { dialSocket, type Dialling } from "../../protocol/socket-dialler";
import { listenSocket, type ChannelListener } from "../../protocol/socket-listener";
import { skipUnless } from "../skips";
import { IdentityDouble } from "./identity-double";
import { findPart } from "./real-parts";
import { VaultServer } from "./vault-server";

const vaultProgram = findPart("bao") ?? findPart("vault");
const SHARED = "the run's shared secret, for tests";

/** The machine's clock, in a hurry: a certificate of days is renewed in a moment. */
const hurried: Clock = { now: () => Date.now(), after: (ms, run) => systemClock.after(Math.min(ms, 200), run) };

skipUnless(
  "Vault",
  "neither bao nor vault is on PATH or in Forge's cache",
  vaultProgram !== undefined,
)("certificates of a real Vault", () => {
  jest.setTimeout(60_000);
  let folder: string;
  let vault: VaultServer;
  let issuer: IdentityDouble;
  let source: CertificateSource;
  let certificate: LiveCertificate;
  let api: ApiUnderTest;
  let listener: ChannelListener;
  const dialled: Dialling[] = [];
  const log = { info: () => undefined, warn: () => undefined };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "forge-certificates-"));
    issuer = await IdentityDouble.start();
    vault = await VaultServer.start(vaultProgram ?? "", folder);
    await vault.call("POST", "sys/mounts/pki", { type: "pki" });
    await vault.call("POST", "pki/root/generate/internal", {
      common_name: "Forge us-east",
      key_type: "ec",
      ttl: "80h",
    });
    await vault.call("POST", "pki/roles/program", {
      allowed_domains: "us-east.forge",
      allow_subdomains: true,
      allow_localhost: true,
      allow_ip_sans: true,
      key_type: "ec",
      key_bits: 256,
      ttl: "72h",
    });
    const policy = `path "pki/issue/program" { capabilities = ["create", "update"] }`;
    await vault.call("POST", "sys/policies/acl/run", { policy });
    await vault.call("POST", "sys/auth/forge", { type: "jwt" });
    await vault.call("POST", "auth/forge/config", { jwks_url: issuer.jwksUrl, jwt_supported_algs: ["RS256"] });
    await vault.call("POST", "auth/forge/role/controller", {
      role_type: "jwt",
      bound_audiences: ["vault.io"],
      user_claim: "nomad_job_id",
      token_policies: ["run"],
    });
    const identityFile = join(folder, "nomad_vault.jwt");
    writeFileSync(identityFile, issuer.sign("vault.io", { nomad_job_id: "forge-us-east-controller" }));
    source = {
      address: vault.address,
      authMount: "forge",
      role: "controller",
      pkiMount: "pki",
      pkiRole: "program",
      commonName: "controller.us-east.forge",
      ipSans: ["127.0.0.1"],
      copy: join(folder, "controller-certificate.json"),
      identityFile,
    };
    certificate = await openCertificate(source, { clock: hurried, random: Math.random, env: {}, log });
    api = apiUnderTest({ tls: certificate.now, authority: () => showAuthority(certificate.now.ca, SHARED) });
    await api.app.listen({ host: "127.0.0.1", port: 0 });
    const options = { codec: controllerCodec, secret: SHARED, clock: systemClock, tls: certificate.now };
    listener = await listenSocket({ host: "127.0.0.1", port: 0 }, options, (channel) => {
      channel.onMessage(() => undefined);
    });
    certificate.subscribe((next) => {
      (api.app.server as unknown as TlsServer).setSecureContext(next);
      listener.renew(next);
    });
  });
  afterAll(async () => {
    for (const each of dialled) each.close();
    await listener?.close();
    await api?.app.close();
    await certificate?.close();
    await vault?.stop();
    await issuer?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const url = (): string => `https://127.0.0.1:${(api.app.server.address() as AddressInfo).port}`;

  async function ask(shared: string): Promise<number> {
    const dispatcher = trustingAgent({ shared: () => [shared] });
    try {
      const { statusCode, body } = await request(`${url()}/health`, { dispatcher });
      await body.dump();
      return statusCode;
    } finally {
      await dispatcher.destroy();
    }
  }

  /** The serial number that the API shows now. */
  function shownSerial(): Promise<string> {
    const { port } = api.app.server.address() as AddressInfo;
    return new Promise((resolve, reject) => {
      const socket: TLSSocket = connectTls({ host: "127.0.0.1", port, ca: certificate.now.ca }, () => {
        resolve(socket.getPeerCertificate().serialNumber);
        socket.destroy();
      });
      socket.once("error", reject);
    });
  }

  it("let who knows the run's secret trust the API, and nobody else", async () => {
    expect(await ask(SHARED)).toBe(200);
    await expect(ask("another run's secret")).rejects.toThrow(/self-signed|unable to (verify|get)/);
    await expect(fetch(`${url()}/health`)).rejects.toThrow();
    expect(statSync(source.copy ?? "").mode & 0o777).toBe(0o600);
  });

  it("join agents and controllers, and refuse who shows none", async () => {
    const dial = (tls: object) =>
      new Promise<string>((resolve) => {
        const options = { codec: agentCodec, secret: SHARED, clock: systemClock, random: Math.random, ...tls };
        const ending = dialSocket(listener.address, { ...options, onFailure: resolve }, () => resolve("connected"));
        dialled.push(ending);
      });
    expect(await dial({ tls: () => certificate.now })).toBe("connected");
    expect(await dial({})).not.toBe("connected");
    const stranger = { ...certificate.now, ca: "" };
    expect(await dial({ tls: () => ({ ca: stranger.ca, key: "", cert: "" }) })).not.toBe("connected");
  });

  it("are renewed without a restart: connections that stand go on, new ones see the new certificate", async () => {
    const serial = await shownSerial();
    const dispatcher = trustingAgent({ shared: () => [SHARED] });
    const first = await request(`${url()}/health`, { dispatcher });
    await first.body.dump();
    await new Promise<void>((resolve) => {
      const end = certificate.subscribe(() => (end(), resolve()));
    });
    expect(await shownSerial()).not.toBe(serial);
    expect(await ask(SHARED)).toBe(200);
    const again = await request(`${url()}/health`, { dispatcher });
    await again.body.dump();
    expect(again.statusCode).toBe(200);
    await dispatcher.destroy();
  });

  it("are there for a start without Vault, from the copy on the node", async () => {
    await certificate.close();
    await vault.stop();
    expect(existsSync(source.copy ?? "")).toBe(true);
    const later = await openCertificate(source, { clock: hurried, random: Math.random, env: {}, log });
    expect(later.now).toEqual(certificate.now);
    await later.close();
  });
});
