import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { runForTest, type CliResult } from "../../cli/cli-under-test";
import { freePorts } from "../../protocol/free-ports";
import { mountsBelow } from "../../infra/local/leftovers";
import { ROOT } from "../e2e/run-folder";
import { skipUnless } from "../skips";
import { until } from "../until";
import { ConsulAgent } from "./consul-agent";
import { NomadAgent } from "./nomad-agent";
import { findPart } from "./real-parts";
import { VaultServer } from "./vault-server";

/** The guide's sample application, from manifests to jobs that answer as before: real Nomad, Consul, and Vault or OpenBao. */

const PARTS = { nomad: findPart("nomad"), consul: findPart("consul"), vault: findPart("vault") ?? findPart("bao") };
const APPLICATION = join(ROOT, "examples/leaving-kubernetes");
const KEY = "a-key-that-nobody-may-see-71c2";

skipUnless(
  "Nomad, Consul and Vault as root",
  "nomad, consul, jq, or vault or bao is neither on PATH nor in Forge's cache, or this is not root",
  Object.values(PARTS).every((part) => part !== undefined) && findPart("jq") !== undefined && process.getuid?.() === 0,
)("a shop leaves Kubernetes", () => {
  let folder: string;
  let nomad: NomadAgent;
  let consul: ConsulAgent;
  let vault: VaultServer;
  let old: readonly ChildProcess[] = [];
  let ports: { readonly web: number; readonly backend: number; readonly oldWeb: number; readonly oldBackend: number };
  // One of loopback's own addresses, so that two of these tests do not meet.
  const nameServer = `127.53.${(process.pid >> 8) & 255}.${process.pid & 255 || 1}`;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "forge-leaving-"));
    const [web = 0, backend = 0, oldWeb = 0, oldBackend = 0] = await freePorts(4);
    ports = { web, backend, oldWeb, oldBackend };
    [consul, vault] = await Promise.all([
      ConsulAgent.start(PARTS.consul ?? "", folder, { nameServer }),
      VaultServer.start(PARTS.vault ?? "", folder),
    ]);
    const links = `consul { address = "${consul.address.slice("http://".length)}" }
vault {
  enabled = true
  address = "${vault.address}"
  default_identity { aud = ["vault.io"] }
}
`;
    nomad = await NomadAgent.start(PARTS.nomad ?? "", folder, links, { client: chroot() });
    await nomad.call("PUT", "/v1/namespace/shop", { Name: "shop" });
    await vault.call("POST", "sys/mounts/kv", { type: "kv", options: { version: "2" } });
    await vault.call("POST", "sys/auth/jwt-nomad", { type: "jwt" });
    await vault.call("POST", "auth/jwt-nomad/config", {
      jwks_url: `${nomad.address}/.well-known/jwks.json`,
      jwt_supported_algs: ["RS256", "EdDSA"],
    });
  }, 180_000);
  afterAll(async () => {
    for (const child of old) child.kill("SIGKILL");
    await nomad?.stop();
    await Promise.all([consul?.end(), vault?.stop()]);
    for (const point of mountsBelow(folder)) execFileSync("umount", ["-l", point], { stdio: "ignore" });
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  /** Node and the programs alone, so that `exec` does not copy the whole system. */
  function chroot(): string {
    const libraries = execFileSync("ldd", [process.execPath], { encoding: "utf8" }).match(/\/\S+/g) ?? [];
    const places = [process.execPath, ...libraries].map((file) => [realpathSync(file), file]);
    const programs = ["web.mjs", "backend.mjs"].map((name) => [join(APPLICATION, name), `/opt/shop/${name}`]);
    return `chroot_env { ${[...places, ...programs].map((pair) => pair.map((each) => JSON.stringify(each)).join(" = ")).join("\n")} }`;
  }

  const forge = (...args: readonly string[]): Promise<CliResult> => runForTest(["migrate", ...args], { cwd: folder });

  /** The manifests of the example on ports that are free here, with a key that is looked for afterwards. */
  function manifests(): string {
    return readFileSync(join(APPLICATION, "shop.yaml"), "utf8")
      .replaceAll("8080", String(ports.web))
      .replaceAll("8081", String(ports.backend))
      .replaceAll("only-an-example-3f9c", KEY);
  }

  /** The same programs as before the move, each given by hand what Kubernetes gave its pod. */
  async function startOld(): Promise<void> {
    const [, page = ""] = /page\.html: \|\n((?: {4}.*\n)+)/.exec(manifests()) ?? [];
    const [, catalog = ""] = /catalog\.json: \|\n((?: {4}.*\n)+)/.exec(manifests()) ?? [];
    const put = (name: string, text: string): string => {
      const file = join(folder, name);
      writeFileSync(file, text);
      return file;
    };
    const outdented = (text: string): string => text.replace(/^ {4}/gm, "");
    const start = (program: string, args: readonly string[], env: Record<string, string>): ChildProcess =>
      spawn(process.execPath, [join(APPLICATION, program), ...args], { env, stdio: "ignore" });
    old = [
      start("backend.mjs", ["--catalog", put("catalog.json", outdented(catalog))], {
        PORT: String(ports.oldBackend),
        API_KEY: KEY,
      }),
      start("web.mjs", [], {
        PORT: String(ports.oldWeb),
        GREETING: "Welcome to ${SHOP}",
        PAGE: put("page.html", outdented(page)),
        BACKEND: `http://127.0.0.1:${ports.oldBackend}`,
        API_KEY_FILE: put("api-key", KEY),
      }),
    ];
    for (const port of [ports.oldWeb, ports.oldBackend]) {
      const url = `http://127.0.0.1:${port}/healthz`;
      await until(`${url} answers`, async () => (await fetch(url)).ok);
    }
  }

  /** Runs a script that was written, with TEST DOUBLE of kubectl: it knows the one Secret. */
  function sh(script: string): void {
    const bin = join(folder, "bin");
    mkdirSync(bin, { recursive: true });
    const secret = { data: { "api-key": Buffer.from(KEY).toString("base64") } };
    const wanted = "get secret --namespace shop shop-api --output json";
    writeFileSync(
      join(bin, "kubectl"),
      `#!/bin/sh\n[ "$*" = ${JSON.stringify(wanted)} ] || exit 1\ncat <<'E'\n${JSON.stringify(secret)}\nE\n`,
    );
    chmodSync(join(bin, "kubectl"), 0o755);
    rmSync(join(bin, "vault"), { force: true });
    symlinkSync(PARTS.vault ?? "", join(bin, "vault"));
    const env = {
      PATH: [bin, process.env["PATH"]].join(delimiter),
      HOME: folder,
      ...{ VAULT_ADDR: vault.address, VAULT_TOKEN: vault.rootToken },
      ...{ BAO_ADDR: vault.address, BAO_TOKEN: vault.rootToken },
    };
    execFileSync("bash", [join(folder, "out", script)], { env, stdio: "pipe" });
  }

  test("its jobs answer as before, with names, configuration and key, and the key is in nothing that was written", async () => {
    writeFileSync(join(folder, "shop.yaml"), manifests());
    const inPlace = (name: string): string =>
      `[stand_ins."registry.example/shop-${name}:1.0"]\ncommand = [${JSON.stringify(process.execPath)}, "/opt/shop/${name}.mjs"]\n`;
    const given = `secrets = "vault"\ndns_servers = ["${nameServer}"]\n${inPlace("web")}${inPlace("backend")}`;
    writeFileSync(join(folder, "answers.toml"), given);
    const written = await forge("shop.yaml", "--out", "out", "--answers", "answers.toml", "--strict", "error");
    expect(written).toMatchObject({ code: 0, err: "" });
    sh("vault/copy-secrets.sh");
    sh("vault/grant.sh");
    await startOld();

    const verify = (...more: readonly string[]): Promise<CliResult> =>
      forge("verify", "out", "--nomad", nomad.address, "--run", "--json", ...more);
    const sources = [`web=http://127.0.0.1:${ports.oldWeb}`, `backend=http://127.0.0.1:${ports.oldBackend}`];
    const questions = sources.flatMap((source) => ["--source", source]);
    const compared = await verify(...questions, "--path", "/", "--path", "/healthz", "--path", "/nothing");
    expect(compared.json).toMatchObject({ jobs: 2, files: 4, ran: true, findings: [] });
    expect(compared.code).toBe(0);
    // It took away what it had started.
    expect(await nomad.call("GET", "/v1/jobs?namespace=*")).toEqual([]);

    // The old shop says something else now, and is the one that the finding is about.
    old[1]?.kill("SIGKILL");
    const other = await verify(...questions, "--keep");
    expect(other.json).toMatchObject({ findings: [{ problem: expect.stringContaining("does not answer") }] });
    const page = await (await fetch(`http://127.0.0.1:${ports.web}/`)).text();
    expect(page).toContain("<h1>Welcome to ${SHOP}</h1>");
    expect(page).toContain("<li>Rope, 10 m: 7 EUR</li>");
    const again = await verify();
    expect(again.json).toMatchObject({ findings: [{ file: "jobs/backend.json" }, { file: "jobs/web.json" }] });
    const policies = await nomad.call<readonly { Target: object }[]>("GET", "/v1/scaling/policies?namespace=shop");
    expect(policies).toMatchObject([{ Target: { Job: "web", Namespace: "shop" } }]);

    const files = readdirSync(join(folder, "out"), { recursive: true, encoding: "utf8", withFileTypes: true });
    const texts = files.filter((file) => file.isFile()).map((file) => readFileSync(join(file.parentPath, file.name)));
    const jobs = await nomad.call("GET", "/v1/job/web?namespace=shop");
    const told = [...texts, written.out, compared.out, other.out, other.err, JSON.stringify(jobs)].join("\n");
    expect(told).not.toContain(KEY);
    expect(told).not.toContain(Buffer.from(KEY).toString("base64"));
    for (const id of ["web", "backend"]) await nomad.call("DELETE", `/v1/job/${id}?namespace=shop&purge=true`);
  }, 300_000);
});
