import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSecrets, type LiveSecrets } from "../../clients/run-secrets";
import type { SecretsSource } from "../../clients/secrets-source";
import { programJobId, RUN_SECRETS_PATH, vaultAuthMount, vaultKvMount } from "../../config/region-names";
import { systemClock, type Clock } from "../../protocol/clock";
import { skipUnless } from "../skips";
import { IdentityDouble } from "./identity-double";
import { findPart } from "./real-parts";
import { VaultServer } from "./vault-server";

const vaultProgram = findPart("bao") ?? findPart("vault");
const REGION = "us-east";
const NAMES = ["shared", "ticket"] as const;

/** The machine's clock, in a hurry: what waits half a minute waits a moment. */
const hurried: Clock = { now: () => Date.now(), after: (ms, run) => systemClock.after(Math.min(ms, 200), run) };

skipUnless(
  "Vault",
  "neither bao nor vault is on PATH or in Forge's cache",
  vaultProgram !== undefined,
)("the run's secrets in a real Vault", () => {
  jest.setTimeout(90_000);
  let folder: string;
  let vault: VaultServer;
  let issuer: IdentityDouble;
  let source: Extract<SecretsSource, { kind: "vault" }>;
  const logged: string[] = [];
  const log = {
    info: (fields: object, message: string) => void logged.push(`${message} ${JSON.stringify(fields)}`),
    warn: (fields: object, message: string) => void logged.push(`${message} ${JSON.stringify(fields)}`),
  };
  const world = { clock: hurried, random: Math.random, env: {}, log };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "forge-vault-"));
    issuer = await IdentityDouble.start();
    vault = await VaultServer.start(vaultProgram ?? "", folder);
    const kv = vaultKvMount(REGION);
    const auth = vaultAuthMount(REGION);
    await vault.call("POST", `sys/mounts/${kv}`, { type: "kv", options: { version: "2" } });
    await vault.call("POST", `sys/policies/acl/run`, {
      policy: `path "${kv}/data/${RUN_SECRETS_PATH}" { capabilities = ["read"] }`,
    });
    await vault.call("POST", `sys/auth/${auth}`, { type: "jwt" });
    await vault.call("POST", `auth/${auth}/config`, { jwks_url: issuer.jwksUrl, jwt_supported_algs: ["RS256"] });
    await vault.call("POST", `auth/${auth}/role/agent`, {
      role_type: "jwt",
      bound_audiences: ["vault.io"],
      bound_claims: { nomad_job_id: programJobId(REGION, "agent") },
      user_claim: "nomad_job_id",
      token_type: "service",
      token_period: 600,
      token_policies: ["run"],
    });
    const identityFile = join(folder, "nomad_vault.jwt");
    writeFileSync(
      identityFile,
      issuer.sign("vault.io", { nomad_job_id: programJobId(REGION, "agent"), nomad_task: "forge" }),
    );
    source = {
      kind: "vault",
      address: vault.address,
      authMount: auth,
      role: "agent",
      kvMount: kv,
      kvPath: RUN_SECRETS_PATH,
      copy: join(folder, "copies", "agent-secrets.json"),
      identityFile,
    };
  });
  afterAll(async () => {
    await vault?.stop();
    await issuer?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const put = (data: Readonly<Record<string, string>>) =>
    vault.call("POST", `${vaultKvMount(REGION)}/data/${RUN_SECRETS_PATH}`, { data });
  const changed = (secrets: LiveSecrets<"shared" | "ticket">) =>
    new Promise<void>((resolve) => {
      const end = secrets.subscribe(() => (end(), resolve()));
    });

  it("are waited for, read, looked at again, taken anew with the former beside, and are there while Vault is sealed or away", async () => {
    const opening = openSecrets(source, NAMES, world);
    await put({
      shared: "the first shared secret",
      ticket: "the first ticket secret",
      token: "not for agents".repeat(4),
    });
    const secrets = await opening;
    expect(secrets.now).toEqual({ shared: ["the first shared secret"], ticket: ["the first ticket secret"] });
    expect(statSync(source.copy ?? "").mode & 0o777).toBe(0o600);
    expect(readFileSync(source.copy ?? "", "utf8")).not.toContain("not for agents");

    let next = changed(secrets);
    await put({
      shared: "the second shared secret",
      previousShared: "the first shared secret",
      ticket: "the first ticket secret",
    });
    await next;
    expect(secrets.now.shared).toEqual(["the second shared secret", "the first shared secret"]);

    // Its token is taken away: it logs in again.
    next = changed(secrets);
    const accessors = await vault.call<{ readonly data: { readonly keys: readonly string[] } }>(
      "GET",
      "auth/token/accessors?list=true",
    );
    for (const accessor of accessors.data.keys) {
      const { data } = await vault.call<{ readonly data: { readonly path: string } }>(
        "POST",
        "auth/token/lookup-accessor",
        { accessor },
      );
      if (data.path.includes(vaultAuthMount(REGION)))
        await vault.call("POST", "auth/token/revoke-accessor", { accessor });
    }
    await put({ shared: "the third shared secret", ticket: "the first ticket secret" });
    await next;
    expect(secrets.now.shared).toEqual(["the third shared secret"]);

    // Sealed it answers, and tells nothing: who starts now has the copy, and all go on with what is there afterwards.
    await vault.seal();
    const meanwhile = await openSecrets(source, NAMES, world);
    expect(meanwhile.now).toEqual(secrets.now);
    const both = Promise.all([changed(secrets), changed(meanwhile)]);
    await vault.unseal();
    await put({ shared: "the fourth shared secret", ticket: "the first ticket secret" });
    await both;
    expect([secrets.now.shared, meanwhile.now.shared]).toEqual(Array(2).fill(["the fourth shared secret"]));
    await meanwhile.close();

    await vault.stop();
    const later = await openSecrets(source, NAMES, world);
    expect(later.now).toEqual(secrets.now);
    await secrets.close();
    await later.close();
    expect(logged.join("\n")).toContain("starting with the secrets of the copy on this node");
    expect(logged.join("\n")).not.toMatch(/(first|second|third|fourth) (shared|ticket) secret/);
  });
});
