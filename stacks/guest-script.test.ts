import { execFileSync } from "node:child_process";
import { loadConfig } from "../config/load";
import { guestScript } from "./guest-script";

const REGION = `
[[regions]]
name = "us-east"
engine = "nomad"
nomad.namespace = "games"
constraints = { "node.class" = "games" }
`;
const WORLD = `
[experiences.survival]
kind = "world"
command = "survival"
max_players = 8
volumes = { world = "/data" }
`;

function script(text: string, nomadCa?: string): string {
  const { config } = loadConfig({ file: "forge.toml", readFile: () => text });
  const [region] = config.regions;
  if (region === undefined) throw new Error("no region");
  return guestScript(region, Object.values(config.experiences), nomadCa);
}

/** Programs that it would run, as a shell reads it. */
function programsOf(text: string): readonly string[] {
  execFileSync("sh", ["-n"], { input: text });
  return ["nomad", "consul", "vault"].filter((name) => new RegExp(`^\\s*${name} `, "m").test(text));
}

describe("what the administrator of somebody else's cluster runs", () => {
  test("asks Nomad alone where that Consul has no ACL and the run's secrets stay in Nomad", () => {
    expect(programsOf(script(REGION))).toEqual(["nomad"]);
    expect(script(REGION)).toContain('path "nomad/jobs/forge-us-east-*"');
  });

  test("gives each system that forge.toml names what its programs do there", () => {
    const all = script(
      `${REGION}consul.auth_method = "nomad-workloads"\nvault.auth_mount = "jwt-nomad"\nvault.pki_mount = "pki"\n`,
      "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n",
    );
    expect(programsOf(all)).toEqual(["nomad", "consul", "vault"]);
    expect(all.match(/JWKSCACert|jwks_ca_pem/g)).toHaveLength(2);
    expect(all).toContain('path "pki/issue/forge-us-east"');
    expect(all).toContain('path "secret/data/forge/us-east"');
    // A token of it is nobody's business but theirs.
    expect(all).not.toMatch(/token create.*\n(?!#)(?!$)/);
  });

  test("keeps raw_exec out of the games' namespace where another is named, and makes the volumes of worlds", () => {
    const two = script(`${REGION}nomad.programs_namespace = "games-system"\n${WORLD}`);
    expect(two).toContain("-namespace games-system -job forge-us-east-controller");
    expect(two).toContain('name = "us-east.survival.world"');
    expect(programsOf(two)).toEqual(["nomad"]);
  });
});
