import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { loadConfig } from "../../config/load";
import { clusterChecks } from "./cluster-checks";

/** TEST DOUBLE of one of the three systems: canned answers by path. Texts are those of Nomad 2.0.5, Consul 1.8.7 and OpenBao. */
type Answers = Readonly<Record<string, readonly [status: number, body: unknown]>>;

const GOOD: Answers = {
  "/v1/jobs": [200, []],
  "/v1/agent/self": [403, "Permission denied"],
  "/v1/status/leader": [200, "10.0.0.1:8300"],
  "/v1/sys/health": [200, { version: "2.4.4" }],
  "/v1/auth/token/lookup-self": [200, {}],
};

let server: Server;
let answers: Answers;
beforeAll(async () => {
  server = createServer((request, response) => {
    const [status, body] = answers[new URL(request.url ?? "", "http://x").pathname] ?? [404, "not here"];
    response.writeHead(status).end(typeof body === "string" && status >= 400 ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

async function checked(changes: Answers, address = addressOf()): Promise<ReadonlyMap<string, string>> {
  answers = { ...GOOD, ...changes };
  const text = `
[[regions]]
name = "east"
engine = "nomad"
nomad.address = "${address}"
consul.address = "${address}"
vault = { address = "${address}", auth_mount = "jwt-nomad" }
`;
  const { config } = loadConfig({ file: "forge.toml", readFile: () => text });
  const [region] = config.regions;
  if (region === undefined) throw new Error("no region");
  const checks = await clusterChecks(region, "/nowhere", {});
  return new Map(
    checks.map(({ name, status, detail, fix = "" }) => [name.split(" ")[0] ?? "", `${status}: ${detail}; ${fix}`]),
  );
}

const addressOf = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

describe("what doctor says of a cluster that somebody else runs", () => {
  it("is that all is well", async () => {
    for (const said of (await checked({})).values()) expect(said).toMatch(/^ok/);
  });

  it.each<readonly [string, string, Answers, RegExp]>([
    [
      "a wrong token",
      "Nomad",
      { "/v1/jobs": [403, "Permission denied"] },
      /refuses the token in NOMAD_TOKEN.*forge plan --policy/,
    ],
    ["no leader", "Nomad", { "/v1/jobs": [500, "No cluster leader"] }, /has no leader; wait until/],
    ["no leader", "Consul", { "/v1/status/leader": [200, ""] }, /has no leader; wait until/],
    [
      "a version too old",
      "Consul",
      { "/v1/agent/self": [200, { Config: { Version: "1.6.2" } }] },
      /is 1\.6\.2, and Forge needs 1\.8\.0/,
    ],
    ["a sealed Vault", "Vault", { "/v1/sys/health": [503, "{}"] }, /is sealed; unseal it/],
    ["a Vault that was never opened", "Vault", { "/v1/sys/health": [501, "{}"] }, /is not initialised/],
    ["a wrong token", "Vault", { "/v1/auth/token/lookup-self": [403, "permission denied"] }, /VAULT_TOKEN/],
  ])("names %s of %s and the next step", async (_what, system, changes, words) => {
    const said = (await checked(changes)).get(system);
    expect(said).toMatch(/^problem/);
    expect(said).toMatch(words);
  });

  it("names who does not answer", async () => {
    for (const said of (await checked({}, "http://127.0.0.1:1")).values())
      expect(said).toMatch(/^problem: nothing answers at .*; start it/);
  });
});
