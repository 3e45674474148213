import { localPorts, MAX_LOCAL_REGIONS } from "./local-ports";
import type { Path } from "./problem";
import { isOurCluster, regionsOf, type ConfigFlags } from "./resolve";
import { driverOf } from "./resolve-experience";
import type { Rule, RuleFinding } from "./rule";
import type { ForgeToml } from "./schema";

/** What must hold of regions on Nomad: Forge's own on this machine, and those of others. */
export const CLUSTER_RULES: readonly Rule[] = [
  localRegionsFitTheMachine,
  localAddressesAreForges,
  localControllersAreOne,
  namespacesOfOneClusterDiffer,
  managedSystemsHaveForgesMounts,
  somebodyCertifies,
  rawExecStaysLocal,
  volumesAreMounted,
];

/** Places of the file's regions that Forge runs itself. */
function ourClusters(toml: ForgeToml, flags: ConfigFlags): readonly number[] {
  return toml.regions.flatMap((region, index) => (isOurCluster(region, flags) ? [index] : []));
}

function localRegionsFitTheMachine(toml: ForgeToml, flags: ConfigFlags): readonly RuleFinding[] {
  return ourClusters(toml, flags)
    .filter((index) => index >= MAX_LOCAL_REGIONS)
    .map((index) => ({
      path: ["regions", index, "hosts"],
      value: toml.regions[index]?.hosts,
      problem: `is one region more than this machine has ports for, ${MAX_LOCAL_REGIONS}`,
      fix: 'use engine = "embedded", or hosts = "existing" with a cluster elsewhere',
      about: [["regions", index, "engine"]],
    }));
}

/** One that says what Forge chooses anyway is no problem: `config show` prints such files. */
function localAddressesAreForges(toml: ForgeToml, flags: ConfigFlags, portOffset: number): readonly RuleFinding[] {
  return ourClusters(toml, flags).flatMap((index) => {
    const region = toml.regions[index];
    const ports = localPorts(index, portOffset);
    const chosen = {
      nomad: `https://127.0.0.1:${ports.nomadHttp}`,
      consul: `http://127.0.0.1:${ports.consulHttp}`,
      vault: `https://127.0.0.1:${ports.vaultApi}`,
    };
    return (["nomad", "consul", "vault"] as const).flatMap((system): RuleFinding[] => {
      const own = region?.[system] ?? {};
      const problem = 'cannot be chosen: with hosts = "local" Forge runs this system itself';
      const about: Path[] = [
        ["regions", index, "hosts"],
        ["regions", index, "engine"],
      ];
      const fix = 'remove it, or set hosts = "existing"; FORGE_PORT_OFFSET moves the ports';
      const at = (key: string, value: string | undefined) =>
        value === undefined ? [] : [{ path: ["regions", index, system, key], value, problem, fix, about }];
      return [...(own.address === chosen[system] ? [] : at("address", own.address)), ...at("ca_file", own.ca_file)];
    });
  });
}

function localControllersAreOne(toml: ForgeToml, flags: ConfigFlags): readonly RuleFinding[] {
  return ourClusters(toml, flags).flatMap((index) => {
    const replicas = toml.regions[index]?.controllers ?? 1;
    if (replicas === 1) return [];
    return [
      {
        path: ["regions", index, "controllers"],
        value: replicas,
        problem: 'is too many: replicas run on nodes of their own, and hosts = "local" has one',
        fix: "write 1 or remove it",
        about: [["regions", index, "hosts"]],
      },
    ];
  });
}

/** What deploy makes has names that Forge chooses; those that a region writes are of systems that somebody else manages. */
function managedSystemsHaveForgesMounts(toml: ForgeToml, flags: ConfigFlags): readonly RuleFinding[] {
  return toml.regions.flatMap((region, index) => {
    const ours = isOurCluster(region, flags);
    const managed = (system: "consul" | "vault") => ours || (region.manage ?? []).includes(system);
    const written = [
      ...(managed("consul") ? [["consul", "auth_method", region.consul.auth_method] as const] : []),
      ...(managed("vault")
        ? (["auth_mount", "kv_mount", "pki_mount"] as const).map((key) => ["vault", key, region.vault[key]] as const)
        : []),
    ];
    return written.flatMap(([system, key, value]): RuleFinding[] =>
      value === undefined
        ? []
        : [
            {
              path: ["regions", index, system, key],
              value,
              problem: `cannot be chosen: deploy makes this region's own in ${system === "vault" ? "Vault" : "Consul"}`,
              fix: `remove it, or leave ${system} out of manage`,
              about: [["regions", index, "manage"]],
            },
          ],
    );
  });
}

function somebodyCertifies(toml: ForgeToml, flags: ConfigFlags): readonly RuleFinding[] {
  return toml.regions.flatMap((region, index) => {
    const { auth_mount = toml.vault.auth_mount, pki_mount = toml.vault.pki_mount } = region.vault;
    const ours = isOurCluster(region, flags) || (region.manage ?? []).includes("vault");
    const onNomad = (flags.engine ?? region.engine) === "nomad";
    if (region.tls !== true || !onNomad || ours || (auth_mount !== undefined && pki_mount !== undefined)) return [];
    return [
      {
        path: ["regions", index, "tls"],
        value: true,
        problem: "needs certificates, and this region names nobody who issues them",
        fix: "set vault.auth_mount and vault.pki_mount, or leave tls out",
        about: [["regions", index, "vault"]],
      },
    ];
  });
}

/** Regions on the same cluster keep their jobs apart by name, but a namespace is made by one stack only. */
function namespacesOfOneClusterDiffer(toml: ForgeToml, flags: ConfigFlags): readonly RuleFinding[] {
  const places = toml.regions.map((region) => {
    const manages = (flags.engine ?? region.engine) === "nomad" && (region.manage ?? []).includes("nomad");
    const address = region.nomad.address ?? toml.nomad.address;
    const namespace = region.nomad.namespace ?? toml.nomad.namespace;
    return manages && !isOurCluster(region, flags) ? `${address} ${namespace}` : undefined;
  });
  return places.flatMap((place, index) => {
    const first = places.indexOf(place);
    if (place === undefined || first === index) return [];
    return [
      {
        path: ["regions", index, "nomad", "namespace"],
        value: toml.regions[index]?.nomad.namespace ?? toml.nomad.namespace,
        problem: `is already made by regions[${first}] on the same Nomad`,
        fix: "give each region a namespace of its own, or leave nomad out of manage in one of them",
        about: [
          ["regions", first, "nomad", "namespace"],
          ["nomad", "namespace"],
        ],
      },
    ];
  });
}

/** raw_exec runs a game as the agent's own user: fine on this machine, not on somebody's cluster. */
function rawExecStaysLocal(toml: ForgeToml, flags: ConfigFlags): readonly RuleFinding[] {
  const elsewhere = regionsOf(toml).filter(
    (region) => (flags.engine ?? region.engine) === "nomad" && !isOurCluster(region, flags),
  );
  return Object.entries(toml.experiences).flatMap(([id, experience]) => {
    const region = elsewhere.find(({ name }) => experience.regions.length === 0 || experience.regions.includes(name));
    if (region === undefined) return [];
    const programs = [
      { path: ["experiences", id], program: experience },
      ...Object.entries(experience.roles).map(([name, role]) => ({
        path: ["experiences", id, "roles", name],
        program: role,
      })),
    ];
    return programs
      .filter(({ program }) => driverOf(program) === "raw_exec")
      .map(({ path }) => ({
        path: [...path, "driver"],
        value: "raw_exec",
        problem: `gives a game the rights of Nomad's own user, and region ${region.name} is not this machine`,
        fix: 'use "exec", "docker" or "java" there, or set hosts = "local"',
        about: [["regions"]],
      }));
  });
}

/** Nomad refuses the job: raw_exec has no file system of its own to mount a volume in. */
function volumesAreMounted(toml: ForgeToml, flags: ConfigFlags): readonly RuleFinding[] {
  const onNomad = regionsOf(toml).filter((region) => (flags.engine ?? region.engine) === "nomad");
  return Object.entries(toml.experiences).flatMap(([id, experience]) => {
    const { regions, volumes } = experience;
    const region = onNomad.find(({ name }) => regions.length === 0 || regions.includes(name));
    const mounts = Object.keys(volumes).length > 0;
    if (region === undefined || !mounts || driverOf(experience) !== "raw_exec") return [];
    return [
      {
        path: ["experiences", id, "driver"],
        value: "raw_exec",
        problem: `mounts no volumes on Nomad, which region ${region.name} runs on`,
        fix: 'use "exec", or "docker" with an image',
        about: [["regions"], ["experiences", id, "volumes"]],
      },
    ];
  });
}
