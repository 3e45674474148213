import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bootstrapRegion } from "../../infra/bootstrap/bootstrap-region";
import { placeInNomad, removeFromNomad } from "../../infra/secrets/place-run-secrets";
import { tokenOf } from "../../infra/local/token-files";
import { skipUnless } from "../skips";
import { HOST_PROGRAMS, LocalHosts, type InfraValue } from "./local-hosts";

jest.setTimeout(240_000);

/** A run that ends here, as a kill would end it. */
class Killed extends Error {}

skipUnless(
  "bootstrap of a local region",
  HOST_PROGRAMS.reason,
  HOST_PROGRAMS.available,
)("the bootstrap of a region on this machine", () => {
  let hosts: LocalHosts;
  const moments: string[] = [];

  beforeAll(async () => {
    hosts = await LocalHosts.create();
    await hosts.mustInfra("up");
  });
  afterAll(() => hosts.remove());

  const secretsFolder = (): string => join(hosts.region().folder.path, "secrets");
  const secretFiles = (): Readonly<Record<string, string>> =>
    Object.fromEntries(
      readdirSync(secretsFolder()).map((name) => [name, readFileSync(join(secretsFolder(), name), "utf8")]),
    );

  it("comes to its end although it is broken off at every moment there is", async () => {
    for (;;) {
      const broken = await bootstrapRegion(hosts.region(), hosts.host(), (moment) => {
        if (moments.includes(moment)) return;
        moments.push(moment);
        throw new Killed(moment);
      }).then(
        () => false,
        (error: unknown) => {
          if (error instanceof Killed) return true;
          throw error;
        },
      );
      if (!broken) break;
    }
    // The answers that are given once were lost on the way, and made up for.
    expect(moments).toEqual(
      expect.arrayContaining(["nomad: bootstrapped", "consul: reset written", "vault: initialised", "vault: remade"]),
    );
  });

  it("leaves one token of each kind, and no root token of Vault", async () => {
    const clients = hosts.clients();
    try {
      const nomadTokens = await clients.nomad.json<InfraValue[]>("GET", "/v1/acl/tokens");
      expect(nomadTokens.map(({ Type }) => Type)).toEqual(["management"]);
      const consulTokens = await clients.consul.json<InfraValue[]>("GET", "/v1/acl/tokens");
      expect(consulTokens.map(({ Description }) => Description.replace(/ \(.*/, "")).sort()).toEqual([
        "Anonymous Token",
        "Bootstrap Token",
        "forge-us-east-dns",
        "forge-us-east-node",
      ]);
      expect(secretFiles()["vault-init.json"]).not.toContain("rootToken");
      const self = await clients.vault.json<InfraValue>("GET", "/v1/auth/token/lookup-self");
      expect(self.data.policies).toEqual(["default", "deploy-us-east"]);
      await expect(clients.vault.json("GET", "/v1/sys/policies/acl/deploy-us-east")).rejects.toMatchObject({
        status: 403,
      });
    } finally {
      await clients.close();
    }
  });

  it("lets nobody in without a token", async () => {
    const clients = hosts.clients();
    try {
      const none = { headers: { "X-Nomad-Token": "", "X-Consul-Token": "", "X-Vault-Token": "" } };
      await expect(clients.nomad.json("GET", "/v1/jobs", none)).rejects.toMatchObject({ status: 403 });
      await expect(clients.consul.json("PUT", "/v1/kv/forge", none)).rejects.toMatchObject({ status: 403 });
      await expect(clients.vault.json("GET", "/v1/sys/mounts", none)).rejects.toMatchObject({ status: 403 });
    } finally {
      await clients.close();
    }
  });

  it("changes nothing when it is done once more", async () => {
    const before = secretFiles();
    await expect(hosts.mustInfra("bootstrap")).resolves.toMatchObject({ done: [] });
    expect(secretFiles()).toEqual(before);
  });

  it("keeps secrets to files of their owner, and out of output and logs", async () => {
    const { value, err } = await hosts.infra("status");
    const logs = readdirSync(join(hosts.region().folder.path, "logs"));
    const texts = [
      err,
      JSON.stringify(value),
      ...logs.map((name) => readFileSync(join(hosts.region().folder.path, "logs", name), "utf8")),
    ];
    const { folder } = hosts.region();
    const keys = JSON.parse(secretFiles()["vault-init.json"] ?? "");
    const secrets = [tokenOf(folder, "nomad"), tokenOf(folder, "consul"), tokenOf(folder, "vault"), keys.unsealKey];
    for (const secret of secrets) {
      expect(secret).toMatch(/.{20}/);
      expect(texts.some((text) => text.includes(secret))).toBe(false);
    }
    for (const name of readdirSync(secretsFolder())) expect(statSync(join(secretsFolder(), name)).mode & 0o077).toBe(0);
  });

  it("puts the run's secrets into Vault once, keeps those before beside new ones, and says no to a wrong token", async () => {
    const clients = hosts.clients();
    try {
      const mount = { type: "kv", options: { version: "2" } };
      await clients.vault.json("POST", "/v1/sys/mounts/forge-us-east-kv", { body: mount });
      await expect(hosts.mustInfra("secrets")).resolves.toMatchObject({ place: "vault", written: true });
      await expect(hosts.mustInfra("secrets")).resolves.toMatchObject({ written: false });
      const file = join(hosts.folder, ".forge", "secrets", "run.json");
      const before = JSON.parse(readFileSync(file, "utf8"));
      const read = async (): Promise<InfraValue> =>
        (await clients.vault.json<InfraValue>("GET", "/v1/forge-us-east-kv/data/run")).data.data;
      expect(await read()).toEqual(before);
      writeFileSync(file, JSON.stringify({ ...before, ticket: "t".repeat(43) }));
      await hosts.mustInfra("secrets");
      expect(await read()).toEqual({ ...before, ticket: "t".repeat(43), previousTicket: before.ticket });
      const token = hosts.region().folder.secret("vault-deploy.token");
      renameSync(token, `${token}.away`);
      writeFileSync(token, "wrong");
      const wrong = await hosts.infra("secrets");
      renameSync(`${token}.away`, token);
      expect(wrong).toMatchObject({ code: 4, value: { error: { code: "wrongToken" } } });
    } finally {
      await clients.close();
    }
  });

  it("puts them into Nomad's variables for each job's own use where Vault is not Forge's", async () => {
    const clients = hosts.clients();
    try {
      const secrets = { shared: "s".repeat(43), ticket: "t".repeat(43), token: "k".repeat(43) };
      const place = { region: "us-east", namespace: "default" };
      const gate = "forge-us-east-gate-0a1b2c3d";
      await expect(placeInNomad(clients.nomad, place, secrets, gate)).resolves.toBe(true);
      // Its next version is another job; the one before may still be there.
      await expect(placeInNomad(clients.nomad, place, secrets, "forge-us-east-gate-11111111")).resolves.toBe(true);
      await expect(placeInNomad(clients.nomad, place, secrets)).resolves.toBe(false);
      const items = async (job: string): Promise<string[]> =>
        Object.keys((await clients.nomad.json<InfraValue>("GET", `/v1/var/nomad/jobs/${job}`)).Items).sort();
      expect(await items("forge-us-east-controller")).toEqual(["shared", "ticket", "token"]);
      expect(await items("forge-us-east-agent")).toEqual(["shared", "ticket"]);
      await expect(placeInNomad(clients.nomad, place, { ...secrets, shared: "n".repeat(43) })).resolves.toBe(true);
      expect(await items(gate)).toEqual(["previousShared", "shared"]);

      const other = { region: "us-east-gate", namespace: "default" };
      await placeInNomad(clients.nomad, other, secrets);
      await expect(removeFromNomad(clients.nomad, place)).resolves.toBe(true);
      const left = await clients.nomad.json<InfraValue>("GET", "/v1/vars", { query: { prefix: "nomad/jobs/" } });
      expect(left.map(({ Path }: InfraValue) => Path)).toEqual([
        "nomad/jobs/forge-us-east-gate-agent",
        "nomad/jobs/forge-us-east-gate-controller",
      ]);
    } finally {
      await clients.close();
    }
  });

  it("makes lost tokens anew, and takes the lost ones back", async () => {
    const { folder } = hosts.region();
    for (const name of ["nomad-management", "consul-management", "vault-deploy"])
      rmSync(folder.secret(`${name}.token`));
    const { done } = await hosts.mustInfra("bootstrap");
    expect(done).toHaveLength(3);
    const clients = hosts.clients();
    try {
      expect(await clients.nomad.json<InfraValue[]>("GET", "/v1/acl/tokens")).toHaveLength(1);
      expect(await clients.consul.json<InfraValue[]>("GET", "/v1/acl/tokens")).toHaveLength(4);
      await clients.vault.json("GET", "/v1/auth/token/lookup-self");
    } finally {
      await clients.close();
    }
  });

  it("says what is lost with the key of Vault's store, and with a token that Consul does not know", async () => {
    const { folder } = hosts.region();
    const key = folder.secret("vault-init.json");
    renameSync(key, `${key}.away`);
    const lost = await hosts.infra("bootstrap");
    renameSync(`${key}.away`, key);
    expect(lost).toMatchObject({ code: 1, value: { error: { code: "lostSecret" } } });
    expect(lost.err).toContain(key);
    const token = folder.secret("consul-management.token");
    renameSync(token, `${token}.away`);
    writeFileSync(token, "00000000-0000-4000-8000-000000000000");
    const wrong = await hosts.infra("bootstrap");
    renameSync(`${token}.away`, token);
    expect(wrong).toMatchObject({ code: 4, value: { error: { code: "wrongToken" } } });
    expect(wrong.err).toContain("Consul does not take the token");
  });
});
