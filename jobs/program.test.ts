import { readAgentConfig } from "../agent/agent-config";
import { readGateConfig } from "../agent/gate/gate-config";
import { loadConfig } from "../config/load";
import { GATE_STAYS_SECS, isProgramJob } from "../config/region-names";
import { readControllerConfig } from "../controller/controller-config";
import { agentJob } from "./agent";
import { controllerJob, type ControllerJobProps } from "./controller";
import { gateJob } from "./gate";
import { nomadJobModel, type NomadJob } from "./job-model";
import type { ProgramJobProps } from "./program";
import { renderJob } from "./render";
import type { JobSpec } from "./spec";

const EXISTING = `[[regions]]
name = "us-east"
engine = "nomad"
datacenters = ["us-east-1", "us-east-2"]
location = [38.9, -77.4]
public_address = "meta.public_ip"
nomad.namespace = "games"
manage = ["consul", "vault", "nomad", "jobs"]
pools = { games = "game", control = "control" }
`;
const SHA = "ab".repeat(32);

function regionOf(text: string) {
  const [region] = loadConfig({ file: "forge.toml", readFile: () => text }).config.regions;
  if (region === undefined) throw new Error("the file has no region");
  return region;
}

function props(text = EXISTING, more: Partial<ControllerJobProps> = {}): ControllerJobProps {
  return {
    region: regionOf(text),
    bundle: { url: "http://files:7600/program.js", sha256: SHA },
    consul: { address: "http://127.0.0.1:8500", authMethod: "forge-us-east" },
    secrets: { kind: "vault", address: "https://vault:8200", ca: "-----BEGIN CERTIFICATE-----\nMII=\n" },
    forgeToml: '# ${NOMAD_META_x} %{ if }\n[[regions]]\nname = "us-east"\n',
    regions: [{ name: "eu-west", url: "http://10.1.0.1:7701" }],
    ...more,
  };
}

function parsed(spec: JobSpec): NomadJob {
  return nomadJobModel.parse(renderJob(spec)).Job;
}

/** As Nomad fills it in on a node. */
const FILLED: Readonly<Record<string, string>> = {
  NOMAD_SHORT_ALLOC_ID: "0f3c3a3e",
  NOMAD_ALLOC_ID: "0f3c3a3e-0000-4000-8000-000000000000",
  NOMAD_IP_api: "10.0.0.5",
  NOMAD_PORT_api: "7700",
  NOMAD_ADDR_api: "10.0.0.5:7700",
  NOMAD_ADDR_agents: "10.0.0.5:7800",
  NOMAD_PORT_agents: "7800",
  NOMAD_PORT_allocator: "7500",
  NOMAD_PORT_ping: "7401",
  NOMAD_SECRETS_DIR: "/var/nomad/alloc/x/forge/secrets",
  "node.unique.id": "9b8c0a52-0000-4000-8000-000000000000",
  "attr.unique.network.ip-address": "10.0.0.5",
  "attr.cpu.totalcompute": "5000",
  "attr.memory.totalbytes": "8589934592",
};

/** The configuration as the program reads it. */
function configText(job: NomadJob, variable: string): string {
  const env = job.TaskGroups[0]?.Tasks[0]?.Env ?? {};
  return (env[variable] ?? "").replace(/\$\{([^}]+)\}/g, (_whole, name: string) => {
    const value = FILLED[name];
    if (value === undefined) throw new Error(`Nomad is not known to fill in ${name}`);
    return value;
  });
}

const all = (of: ProgramJobProps & ControllerJobProps) => [controllerJob(of), agentJob(of), gateJob(of)];

describe("the jobs of Forge's programs", () => {
  test("the controller's: has the ports of its services for itself, and is told them", () => {
    const job = parsed(controllerJob(props(EXISTING, { services: { allocator: 7500, ping: 7401 } })));
    const ports = job.TaskGroups[0]?.Networks?.[0]?.ReservedPorts;
    expect(ports).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ Label: "allocator", Value: 7500 }),
        expect.objectContaining({ Label: "ping", Value: 7401 }),
      ]),
    );
    const config = readControllerConfig(configText(job, "FORGE_CONTROLLER_CONFIG_JSON"), "the job");
    expect(config.services).toEqual({ allocator: 7500, ping: 7401 });
  });

  test("the controller's: replicas apart, one after the other, taken back when a version fails", () => {
    const job = parsed(controllerJob(props()));
    expect(job).toMatchObject({
      ID: "forge-us-east-controller",
      Type: "service",
      Namespace: "games-forge",
      NodePool: "control",
      Datacenters: ["us-east-1", "us-east-2"],
      Constraints: [{ LTarget: "${attr.kernel.name}" }, { Operand: "distinct_hosts" }],
      Spreads: [{ Attribute: "${node.datacenter}", Weight: 100 }],
      Update: { MaxParallel: 1, Canary: 0, AutoRevert: true, AutoPromote: false },
    });
    expect(job.TaskGroups[0]).toMatchObject({
      Count: 2,
      Networks: [
        {
          ReservedPorts: [
            { Label: "api", Value: 7700 },
            { Label: "agents", Value: 7800 },
          ],
        },
      ],
      ReschedulePolicy: { Unlimited: true },
    });
  });

  test("a canary takes over by itself; one controller alone needs no node of its own", () => {
    expect(parsed(controllerJob(props(EXISTING, { canaries: 1 }))).Update).toMatchObject({
      Canary: 1,
      AutoPromote: true,
    });
    const one = parsed(controllerJob(props(`${EXISTING}controllers = 1\n`)));
    expect(one.Constraints).toEqual([{ LTarget: "${attr.kernel.name}", Operand: "=", RTarget: "linux" }]);
    expect(one.Spreads).toBeUndefined();
  });

  test("agent and gate are on each node of the games' pool, in the namespace of Forge's programs", () => {
    const system = { Type: "system", Namespace: "games-forge", NodePool: "game" };
    const agent = parsed(agentJob(props()));
    expect(agent).toMatchObject({ ID: "forge-us-east-agent", ...system });
    expect(agent.Update).toMatchObject({ MaxParallel: 1, AutoRevert: true });
    expect(parsed(gateJob(props()))).toMatchObject({
      ID: expect.stringMatching(/^forge-us-east-gate-[0-9a-f]{8}$/),
      ...system,
    });
  });

  test("all run on when a node that Nomad had given up is back", () => {
    for (const job of all(props()).map(parsed))
      expect(job.TaskGroups[0]?.Disconnect).toEqual({
        LostAfter: 600 * 1e9,
        Replace: true,
        Reconcile: "keep_replacement",
      });
  });

  test("a gate that differs in anything is another job, which stays with its servers when it has to go", () => {
    const id = (changes: Partial<ControllerJobProps> = {}) => gateJob(props(EXISTING, changes)).id;
    expect(id({ forgeToml: "another", regions: [] })).toBe(id());
    const other = { url: "http://files:7600/program.js", sha256: "cd".repeat(32) };
    const ids = [
      id(),
      id({ bundle: other }),
      id({ node: "/usr/bin/node" }),
      id({ secrets: { kind: "nomadVariables" } }),
    ];
    expect(new Set(ids).size).toBe(4);
    for (const each of ids) expect(isProgramJob(each, "us-east", "gate")).toBe(true);
    expect(isProgramJob("forge-us-east-gate", "us", "gate")).toBe(false);

    const job = parsed(gateJob(props()));
    expect(job.TaskGroups[0]?.Tasks[0]).toMatchObject({ KillSignal: "SIGTERM", KillTimeout: GATE_STAYS_SECS * 1e9 });
    const variables = parsed(gateJob(props(EXISTING, { secrets: { kind: "nomadVariables" } })));
    const { secrets } = readGateConfig(configText(variables, "FORGE_GATE_CONFIG_JSON"), "the job");
    expect(secrets).toMatchObject({ job: variables.ID });
  });

  test("say what the programs themselves read, once Nomad has filled it in", () => {
    const controller = readControllerConfig(
      configText(parsed(controllerJob(props())), "FORGE_CONTROLLER_CONFIG_JSON"),
      "the job",
    );
    expect(controller).toMatchObject({
      region: "us-east",
      controllerId: FILLED["NOMAD_ALLOC_ID"],
      api: { host: "10.0.0.5", port: 7700 },
      publicUrl: "https://10.0.0.5:7700",
      agentListen: "10.0.0.5:7800",
      regions: [
        { name: "us-east", url: "https://10.0.0.5:7700", location: [38.9, -77.4] },
        { name: "eu-west", url: "http://10.1.0.1:7701" },
      ],
      engine: { kind: "nomad", namespace: "games", publicAddress: "meta.public_ip" },
      consul: { authMethod: "forge-us-east" },
      secrets: { kind: "vault", copy: "/var/lib/forge/us-east/controller-secrets.json" },
    });
    const carried = controller.config.kind === "carried" ? controller.config.base64 : "";
    expect(Buffer.from(carried, "base64").toString("utf8")).toBe(props().forgeToml);

    const agent = readAgentConfig(configText(parsed(agentJob(props())), "FORGE_AGENT_CONFIG_JSON"), "the job");
    expect(agent).toMatchObject({
      nodeId: FILLED["node.unique.id"],
      controllers: { kind: "consul" },
      journalDir: "/var/lib/forge/us-east/journal",
      gateSocket: { folder: "/var/lib/forge/us-east/gates" },
      node: { address: "10.0.0.5", cpu: 5000, memory: 8192 },
    });

    const gate = readGateConfig(configText(parsed(gateJob(props())), "FORGE_GATE_CONFIG_JSON"), "the job");
    expect(gate).toMatchObject({ agentSocket: "/var/lib/forge/us-east/gates/0f3c3a3e.sock", onSigterm: "retire" });
  });

  test("the controller's: with an address of its own listens there, whatever Nomad gives its ports", () => {
    const job = parsed(controllerJob(props(EXISTING, { address: "127.0.0.1" })));
    const config = readControllerConfig(configText(job, "FORGE_CONTROLLER_CONFIG_JSON"), "the job");
    expect(config).toMatchObject({
      api: { host: "127.0.0.1", port: 7700 },
      publicUrl: "https://127.0.0.1:7700",
      agentListen: "127.0.0.1:7800",
      regions: [{ name: "us-east", url: "https://127.0.0.1:7700" }, { name: "eu-west" }],
      tls: { ipSans: ["127.0.0.1"] },
    });
  });

  test("without Vault read their own job's variables, and without an ACL in Consul ask for no identity there", () => {
    const plain = props(EXISTING, {
      secrets: { kind: "nomadVariables" },
      consul: { address: "http://127.0.0.1:8500" },
    });
    const jobs = all(plain).map(parsed);
    for (const job of jobs) {
      const [task] = job.TaskGroups[0]?.Tasks ?? [];
      expect(task?.Identity).toMatchObject({ Name: "default", Env: true, File: true });
      expect(task?.Identities).toBeUndefined();
    }
    expect(readAgentConfig(configText(jobs[1] as NomadJob, "FORGE_AGENT_CONFIG_JSON"), "the job").secrets).toEqual({
      kind: "nomadVariables",
      namespace: "games-forge",
      job: "forge-us-east-agent",
      copy: "/var/lib/forge/us-east/agent-secrets.json",
    });
  });

  test("each identity is for one system, renewed, and in a file; the gate has none for Consul", () => {
    const identities = (spec: JobSpec) => {
      const [task] = parsed(spec).TaskGroups[0]?.Tasks ?? [];
      return task?.Identities?.map(({ Name, Audience, Env, File, TTL }) => [Name, Audience, Env, File, TTL]);
    };
    const vault = ["vault", ["vault.io"], false, true, 3_600_000_000_000];
    const consul = ["consul", ["consul.io"], false, true, 3_600_000_000_000];
    expect(identities(controllerJob(props()))).toEqual([consul, vault]);
    expect(identities(agentJob(props()))).toEqual([consul, vault]);
    expect(identities(gateJob(props()))).toEqual([vault]);
  });

  test("the bundle is fetched with its checksum, or lies on the node", () => {
    const [fetched] = parsed(gateJob(props())).TaskGroups[0]?.Tasks ?? [];
    expect(fetched?.Artifacts).toEqual([
      {
        GetterSource: "http://files:7600/program.js",
        GetterOptions: { checksum: `sha256:${SHA}` },
        GetterMode: "file",
        RelativeDest: "local/gate.js",
      },
    ]);
    expect(fetched?.Config).toEqual({
      command: "node",
      args: ["--max-semi-space-size=1", "${NOMAD_TASK_DIR}/gate.js"],
    });

    const there = props(EXISTING, { bundle: { path: "/opt/forge/dist/gate.js" }, node: "/usr/bin/node" });
    const [found] = parsed(gateJob(there)).TaskGroups[0]?.Tasks ?? [];
    expect(found?.Artifacts).toEqual([]);
    expect(found?.Env).toMatchObject({ MALLOC_ARENA_MAX: "1" });
    expect(found?.Config).toEqual({
      command: "/usr/bin/node",
      args: ["--max-semi-space-size=1", "/opt/forge/dist/gate.js"],
    });
  });

  test("have no block that would keep them from starting while Consul or Vault is down", () => {
    const text = JSON.stringify(all(props()).map(renderJob));
    for (const key of ["Services", "Templates", "Vault", "Consul", "Connect"]) expect(text).not.toContain(`"${key}"`);
  });

  test("an agent that could find no controller is refused", () => {
    const alone = { ...props(), consul: undefined };
    expect(() => agentJob(alone)).toThrow(/region us-east would find no controller/);
    const [task] = parsed(agentJob({ ...alone, controllers: ["10.0.0.5:7800"] })).TaskGroups[0]?.Tasks ?? [];
    expect(task?.Env["FORGE_AGENT_CONFIG_JSON"]).toContain('"controllers":["10.0.0.5:7800"]');
  });
});
