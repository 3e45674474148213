import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { TerraformStack } from "cdktf";
import { Construct } from "constructs";
import type { ForgeConfig, ManagedPart, RegionConfig } from "../config/config";
import { servicePort } from "../config/local-ports";
import { regionEndpoints, regionFolder, type SystemEndpoint } from "../config/region-endpoints";
import { consulAuthMethod, type RegionProgram } from "../config/region-names";
import { vaultPlaces } from "../config/region-vault";
import type { RegionAddress } from "../jobs/controller";
import type { BundleSource, ConsulAccess, SecretsAccess } from "../jobs/program";
import { bundlesOf } from "./bundles";
import type { ForgeRun } from "./forge-toml";
import { RegionConsul } from "./region-consul";
import { RegionInfra } from "./region-infra";
import { RegionJobs } from "./region-jobs";
import { RegionNomad } from "./region-nomad";
import { regionStackId } from "./region-stack";
import { RegionVault } from "./region-vault";

export interface ForgeRegionProps {
  /** The run that the region is one of. */
  readonly run: ForgeRun;
  /**
   * Folder that Forge is installed in on this machine: its `dist` has the programs.
   * @default where this library lies
   */
  readonly home?: string;
  /**
   * Node.js on the nodes.
   * @default on hosts = local the one that runs this, elsewhere "node" on the PATH of Nomad's client
   */
  readonly node?: string;
  /**
   * How many of a new version of the controller run beside the old ones first.
   * @default 0, see `ControllerJobProps.canaries`
   */
  readonly canaries?: number;
}

/**
 * A region on Nomad: the stacks that `manage` names, in the order that they are deployed in. Its id is the region's name.
 *
 *     const run = readForgeToml("forge.toml", { env: process.env });
 *     const region = new ForgeRegion(app, "us-east", { run });
 *     for (const stack of region.stacks) new LocalBackend(stack, { path: `${stack.node.id}.tfstate` });
 *
 * They are children of its scope, beside it, so that their ids are the same wherever it stands in the app's tree.
 * Stacks have no dependency outside their region, and none reads another's state: a region is deployed alone, and what is
 * lost of one hurts no other.
 */
export class ForgeRegion extends Construct {
  readonly infra: RegionInfra | undefined;
  readonly consul: RegionConsul | undefined;
  readonly vault: RegionVault | undefined;
  readonly nomad: RegionNomad | undefined;
  readonly jobs: RegionJobs | undefined;

  /** @throws {Error} where the run has no such region, or it does not run on Nomad */
  constructor(scope: Construct, id: string, props: ForgeRegionProps) {
    super(scope, id);
    if (scope.node.scopes.some((each) => TerraformStack.isStack(each))) {
      throw new Error(`region ${id} is inside a stack, and is stacks itself: make it a child of the App`);
    }
    const { run, home = HOME } = props;
    const region = regionOf(run, id);
    const folder = dirname(run.configFile);
    const infra = { command: [process.execPath, join(home, "dist", "infra.js")], configFile: run.configFile };
    const experiences = Object.values(run.config.experiences);
    const make = <Stack>(part: ManagedPart, construct: (stackId: string) => Stack): Stack | undefined =>
      region.manage.includes(part) ? construct(regionStackId(region.name, part)) : undefined;

    this.infra = make("infra", (stack) => new RegionInfra(scope, stack, { region, folder, infra }));
    this.consul = make(
      "consul",
      (stack) => new RegionConsul(scope, stack, { region, folder, forgeToml: run.forgeToml }),
    );
    this.vault = make("vault", (stack) => new RegionVault(scope, stack, { region, folder, infra }));
    this.nomad = make("nomad", (stack) => new RegionNomad(scope, stack, { region, folder, experiences }));
    this.jobs = make(
      "jobs",
      (stack) =>
        new RegionJobs(scope, stack, {
          region,
          folder,
          experiences,
          ...(region.hosts === "local" ? { forgeHome: home } : {}),
          programs: { ...programsOf(region, props, home), infra },
        }),
    );
    this.order();
  }

  /** Those that there are, in the order of a deploy. */
  get stacks(): readonly TerraformStack[] {
    const all = [this.infra, this.consul, this.vault, this.nomad, this.jobs];
    return all.filter((stack) => stack !== undefined);
  }

  /** Consul and Vault ask Nomad for its keys when they are configured; jobs want everything. */
  private order(): void {
    const { infra, consul, vault, nomad, jobs } = this;
    for (const stack of [consul, vault, nomad, jobs]) if (infra !== undefined) stack?.addDependency(infra);
    for (const stack of [consul, vault, nomad]) if (stack !== undefined) jobs?.addDependency(stack);
  }
}

/** The library lies in `stacks/` of a checkout. */
const HOME = dirname(__dirname);

function regionOf({ config, configFile }: ForgeRun, name: string): RegionConfig {
  const region = config.regions.find((each) => each.name === name);
  if (region === undefined) {
    const names = config.regions.map((each) => each.name).join(", ");
    throw new Error(`${configFile} has no region "${name}": name one of ${names}`);
  }
  if (region.engine !== "nomad") {
    throw new Error(
      `region ${name} has engine = "${region.engine}": set engine = "nomad", or deploy it with \`forge\``,
    );
  }
  return region;
}

function programsOf(region: RegionConfig, { run, node, canaries }: ForgeRegionProps, home: string) {
  const folder = dirname(run.configFile);
  const endpoints = regionEndpoints(region, folder);
  const local = region.hosts === "local";
  const command = node ?? (local ? process.execPath : undefined);
  return {
    forgeToml: run.forgeToml,
    bundles: bundleSources(region, run.config, home),
    regions: regionAddresses(run.config),
    services: servicePorts(region, run.config),
    consul: consulAccess(region, endpoints.consul),
    secrets: secretsAccess(region, endpoints.vault),
    endServers: [process.execPath, join(home, "dist", "end-servers.js")],
    ...(command === undefined ? {} : { node: command }),
    ...(canaries === undefined ? {} : { canaries }),
    ...(local
      ? {
          nodeFolder: join(regionFolder(region.name, folder), "data", "forge"),
          dashboardFolder: join(home, "dist", "dashboard"),
          // As `url` of such a region has it: its node's interface is loopback, which has an address of either family.
          address: "127.0.0.1",
          forgeTomlFile: join(regionFolder(region.name, folder), "data", "forge", "forge.toml"),
          nomad: { address: endpoints.nomad.address, caFile: endpoints.nomad.caFile },
        }
      : {}),
  };
}

/** Of the services that the file has a section for. */
function servicePorts(region: RegionConfig, { allocator, ping }: ForgeConfig) {
  return {
    ...(allocator === undefined ? {} : { allocator: servicePort(region, "allocator", allocator.port) }),
    ...(ping === undefined ? {} : { ping: servicePort(region, "ping", ping.port) }),
  };
}

/** Those with an address; a controller knows its own. */
function regionAddresses({ regions }: ForgeConfig): readonly RegionAddress[] {
  return regions.flatMap(({ name, url, location }) =>
    url === undefined ? [] : [{ name, url, ...(location === undefined ? {} : { location }) }],
  );
}

function consulAccess({ name, manage, consul }: RegionConfig, { address, caFile }: SystemEndpoint): ConsulAccess {
  // One that is not ours may have no ACL.
  const authMethod = manage.includes("consul") ? consulAuthMethod(name) : consul.authMethod;
  return {
    address,
    ...(caFile === undefined ? {} : { ca: readFileSync(caFile, "utf8") }),
    ...(authMethod === undefined ? {} : { authMethod }),
  };
}

/** A local region's authority does not exist before its first deploy, and its nodes are this machine: they read the file. */
function secretsAccess(region: RegionConfig, { address, caFile }: SystemEndpoint): SecretsAccess {
  if (vaultPlaces(region) === undefined) return { kind: "nomadVariables" };
  const ca = caFile === undefined || region.hosts === "local" ? caFile : readFileSync(caFile, "utf8");
  return { kind: "vault", address, ...(ca === undefined ? {} : { ca }) };
}

function bundleSources(
  region: RegionConfig,
  { artifacts }: ForgeConfig,
  home: string,
): Readonly<Record<RegionProgram, BundleSource>> {
  const served = region.hosts === "local" ? `http://127.0.0.1:${region.ports.artifacts}` : artifacts.url;
  return bundlesOf(home, served);
}
