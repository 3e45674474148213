import { createHash } from "node:crypto";
import { join } from "node:path";
import type { LocalPorts } from "../../config/local-ports";
import { consulGossipConfig, consulServerConfig } from "../agents/consul-agent";
import { nomadClientConfig, nomadGossipConfig, nomadServerConfig, type TlsFiles } from "../agents/nomad-agent";
import { vaultServerConfig, type VaultKind } from "../agents/vault-agent";
import type { ArtifactConfig } from "../artifacts/artifact-server";
import { CA_FILE, certificateFiles, type CertificateRole } from "../tls/certificates";
import type { AgentSpec } from "./agent-process";
import type { RegionFolder } from "./region-folder";

/** A region whose hosts are this machine. */
export interface LocalRegion {
  readonly name: string;
  /** Nomad's datacenter. */
  readonly datacenter: string;
  readonly ports: LocalPorts;
  readonly folder: RegionFolder;
}

/** The programs that it runs, as absolute paths. */
export interface LocalPrograms {
  readonly nomad: string;
  readonly consul: string;
  readonly vault: string;
  readonly vaultKind: VaultKind;
  readonly node: string;
  /** Folder of Forge's own built programs: `infra.js`, the bundles and their list. */
  readonly dist: string;
}

/** 32 bytes each, in base64. */
export interface GossipKeys {
  readonly nomad: string;
  readonly consul: string;
}

export interface PlannedFile {
  readonly path: string;
  readonly text: string;
}

/** One agent: what it is told, what it listens on, how it is started. */
export interface PlannedAgent {
  readonly spec: AgentSpec;
  readonly files: readonly PlannedFile[];
  readonly ports: readonly { readonly port: number; readonly use: string }[];
}

export const AGENT_NAMES = ["artifacts", "consul", "vault", "nomad-server", "nomad-client"] as const;
export type AgentName = (typeof AGENT_NAMES)[number];

const HOST = "127.0.0.1";

/** Everything that makes a region's agents what they are, without doing any of it. */
export function planAgents(
  region: LocalRegion,
  programs: LocalPrograms,
  keys: GossipKeys,
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<AgentName, PlannedAgent>> {
  const { folder, ports } = region;
  const plan = (name: AgentName, program: string, args: readonly string[], agent: Planned): PlannedAgent => {
    const files = Object.entries(agent.configs).map(([file, config]) => ({
      path: folder.config(`${name}/${file}`),
      text: `${JSON.stringify(config, null, 2)}\n`,
    }));
    const spec = {
      name,
      program,
      args,
      cwd: folder.path,
      env: agentEnvironment(env),
      pidFile: folder.run(`${name}.json`),
      logFile: folder.log(name),
      // Games write files that others may read; nobody reads what the other agents keep.
      umask: name === "nomad-client" ? ("022" as const) : ("077" as const),
      revision: revisionOf([program, ...args, ...files.map(({ text }) => text)]),
    };
    return { spec, files, ports: agent.ports };
  };
  const args = (name: AgentName): readonly string[] => agentArguments(folder, name);
  return {
    // The program that is running now, again: it lives on in a process of its own.
    artifacts: plan(
      "artifacts",
      programs.node,
      [join(programs.dist, "infra.js"), ...args("artifacts")],
      artifactsOf(region, programs),
    ),
    consul: plan("consul", programs.consul, args("consul"), consulOf(region, keys)),
    vault: plan("vault", programs.vault, args("vault"), vaultOf(region, programs)),
    "nomad-server": plan("nomad-server", programs.nomad, args("nomad-server"), nomadServerOf(region, keys)),
    "nomad-client": plan("nomad-client", programs.nomad, args("nomad-client"), nomadClientOf(region, ports)),
  };
}

/** The action of `infra.js` that is the artifact server. */
export const SERVE_ARTIFACTS = "serve-artifacts";

/** What a program is started with. Its last argument is a path of this region alone. */
export function agentArguments(folder: RegionFolder, name: string): readonly string[] {
  const config = folder.config(name);
  if (name === "artifacts") return [SERVE_ARTIFACTS, join(config, "agent.json")];
  if (name === "consul") return ["agent", "-config-dir", config];
  if (name === "vault") return ["server", "-config", config];
  return ["agent", "-config", config];
}

/** The control group that holds a region's tasks. */
export function agentCgroup(region: string): string {
  return `forge-nomad-${region}`;
}

interface Planned {
  readonly configs: Readonly<Record<string, unknown>>;
  readonly ports: PlannedAgent["ports"];
}

function artifactsOf({ folder, ports }: LocalRegion, { dist }: LocalPrograms): Planned {
  const agent: ArtifactConfig = { port: ports.artifacts, dist, kept: folder.data("artifacts") };
  return { configs: { "agent.json": agent }, ports: [{ port: ports.artifacts, use: "artifacts for the nodes" }] };
}

function consulOf({ name, folder, ports }: LocalRegion, keys: GossipKeys): Planned {
  const agent = consulServerConfig({
    datacenter: name,
    name: `${name}-server`,
    dataDir: folder.data("consul"),
    bindAddress: HOST,
    ports: {
      http: ports.consulHttp,
      dns: ports.consulDns,
      rpc: ports.consulRpc,
      lan: ports.consulLan,
      wan: ports.consulWan,
    },
    tls: tlsOf(folder, "server"),
    bootstrapExpect: 1,
    join: [],
  });
  return {
    configs: { "agent.json": agent, "gossip.json": consulGossipConfig(keys.consul) },
    ports: [
      { port: ports.consulHttp, use: "Consul's HTTP API" },
      { port: ports.consulDns, use: "Consul's DNS" },
      { port: ports.consulRpc, use: "Consul's RPC" },
      { port: ports.consulLan, use: "Consul's gossip" },
      { port: ports.consulWan, use: "Consul's gossip between regions" },
    ],
  };
}

function vaultOf({ name, folder, ports }: LocalRegion, { vaultKind }: LocalPrograms): Planned {
  const agent = vaultServerConfig({
    kind: vaultKind,
    name: `${name}-server`,
    dataDir: folder.data("vault"),
    bindAddress: HOST,
    ports: { api: ports.vaultApi, cluster: ports.vaultCluster },
    tls: tlsOf(folder, "server"),
    join: [],
  });
  return {
    configs: { "agent.json": agent },
    ports: [
      { port: ports.vaultApi, use: "Vault's API" },
      { port: ports.vaultCluster, use: "Vault's cluster traffic" },
    ],
  };
}

function nomadServerOf({ name, datacenter, folder, ports }: LocalRegion, keys: GossipKeys): Planned {
  const agent = nomadServerConfig({
    region: name,
    datacenter,
    name: `${name}-server`,
    dataDir: folder.data("nomad-server"),
    bindAddress: HOST,
    tls: tlsOf(folder, "server"),
    consulAddress: `http://${HOST}:${String(ports.consulHttp)}`,
    ports: { http: ports.nomadHttp, rpc: ports.nomadRpc, serf: ports.nomadSerf },
    bootstrapExpect: 1,
    join: [],
  });
  return {
    configs: { "agent.json": agent, "gossip.json": nomadGossipConfig(keys.nomad) },
    ports: [
      { port: ports.nomadHttp, use: "Nomad's HTTP API" },
      { port: ports.nomadRpc, use: "Nomad's RPC" },
      { port: ports.nomadSerf, use: "Nomad's gossip" },
    ],
  };
}

function nomadClientOf({ name, datacenter, folder }: LocalRegion, ports: LocalPorts): Planned {
  const agent = nomadClientConfig({
    region: name,
    datacenter,
    name: `${name}-client`,
    dataDir: folder.data("nomad-client"),
    bindAddress: HOST,
    tls: tlsOf(folder, "client"),
    consulAddress: `http://${HOST}:${String(ports.consulHttp)}`,
    ports: { http: ports.nomadClientHttp },
    servers: [`${HOST}:${String(ports.nomadRpc)}`],
    gamePorts: ports.games,
    cgroupParent: agentCgroup(name),
    // Players of a local region are on this machine.
    networkInterface: "lo",
  });
  return {
    configs: { "agent.json": agent },
    ports: [{ port: ports.nomadClientHttp, use: "the HTTP API of Nomad's client" }],
  };
}

function tlsOf(folder: RegionFolder, role: CertificateRole): TlsFiles {
  const { cert, key } = certificateFiles(role);
  return { ca: folder.tls(CA_FILE), cert: folder.tls(cert), key: folder.tls(key) };
}

/**
 * What agents see of the environment that a command was started in. Tasks of `raw_exec` inherit it, so tokens of whoever
 * types the command are not in it; and addresses of other clusters would be taken for this one's.
 */
function agentEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const passed = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "FORGE_TEST_SUMMARY"];
  const entries = passed.flatMap((key): [string, string][] => {
    const value = env[key];
    return value === undefined ? [] : [[key, value]];
  });
  return { ...Object.fromEntries(entries), CHECKPOINT_DISABLE: "1" };
}

function revisionOf(parts: readonly string[]): string {
  return createHash("sha256").update(parts.join("\0")).digest("hex").slice(0, 16);
}
