import { loadConfig } from "./load";
import { regionEndpoints } from "./region-endpoints";
import type { ConfigEnv } from "./resolve";

function endpoints(text: string, env: ConfigEnv = {}) {
  const { regions } = loadConfig({ file: "forge.toml", env, readFile: () => text }).config;
  return regions.map((region) => regionEndpoints(region, "/srv/game"));
}

const LOCAL = (name: string) => `[[regions]]\nname = "${name}"\nengine = "nomad"\nhosts = "local"\n`;

describe("where a region's systems are", () => {
  test("on this machine: at Forge's own ports, tokens and authority in the region's folder, whatever the environment says", () => {
    const env = { NOMAD_ADDR: "http://elsewhere:4646", VAULT_CACERT: "/etc/other.pem", FORGE_PORT_OFFSET: "1000" };
    const [, west] = endpoints(`${LOCAL("us-east")}${LOCAL("us-west")}`, env);
    const folder = "/srv/game/.forge/regions/us-west";
    expect(west).toEqual({
      nomad: {
        address: "https://127.0.0.1:5656",
        caFile: `${folder}/tls/ca.pem`,
        tokenFile: `${folder}/secrets/nomad-management.token`,
        tokenEnv: "NOMAD_TOKEN",
      },
      consul: {
        address: "http://127.0.0.1:9510",
        caFile: undefined,
        tokenFile: `${folder}/secrets/consul-management.token`,
        tokenEnv: "CONSUL_HTTP_TOKEN",
      },
      vault: {
        address: "https://127.0.0.1:9210",
        caFile: `${folder}/tls/ca.pem`,
        tokenFile: `${folder}/secrets/vault-deploy.token`,
        tokenEnv: "VAULT_TOKEN",
      },
    });
  });

  test("elsewhere: as file and environment say, and never a token in a file", () => {
    const [region] = endpoints(
      `
[nomad]
address = "https://nomad:4646"
[vault]
ca_file = "/etc/vault.pem"
[[regions]]
name = "us-east"
engine = "nomad"
nomad.ca_file = "tls/nomad.pem"
consul.address = "https://consul:8501"
`,
      { NOMAD_CACERT: "/etc/nomad.pem", CONSUL_CACERT: "consul.pem", VAULT_ADDR: "https://vault:8200" },
    );
    const tokenFile = undefined;
    expect(region).toEqual({
      nomad: { address: "https://nomad:4646", caFile: "/srv/game/tls/nomad.pem", tokenFile, tokenEnv: "NOMAD_TOKEN" },
      consul: {
        address: "https://consul:8501",
        caFile: "/srv/game/consul.pem",
        tokenFile,
        tokenEnv: "CONSUL_HTTP_TOKEN",
      },
      vault: { address: "https://vault:8200", caFile: "/etc/vault.pem", tokenFile, tokenEnv: "VAULT_TOKEN" },
    });
  });
});
