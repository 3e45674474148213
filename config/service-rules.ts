import type { Path } from "./problem";
import { isOurCluster, regionsOf, type ConfigFlags } from "./resolve";
import type { Rule, RuleFinding } from "./rule";
import type { ForgeToml } from "./schema";

/** Rules of `[allocator]` and `[ping]`, the services that a region's controller has on ports of their own. */
export const SERVICE_RULES: readonly Rule[] = [certificatesGoWithMtls, strangersNeedCertificates, portsAreEnough];

const FILES = ["cert_file", "key_file", "client_ca_dir"] as const;

function certificatesGoWithMtls({ allocator }: ForgeToml): readonly RuleFinding[] {
  if (!allocator) return [];
  const mutual = allocator.auth === "mtls";
  return FILES.flatMap((key): RuleFinding[] => {
    const path: Path = ["allocator", key];
    if (mutual && allocator[key] === undefined)
      return [{ path, value: undefined, problem: 'is missing for auth = "mtls"', fix: "name the file or folder" }];
    if (!mutual && allocator[key] !== undefined)
      return [
        {
          path,
          value: allocator[key],
          problem: "does nothing without mutual TLS",
          fix: 'set auth = "mtls", or remove it',
        },
      ];
    return [];
  });
}

/** A token on a plain connection is anybody's who listens; none at all is an open door. */
function strangersNeedCertificates(toml: ForgeToml, flags: ConfigFlags): readonly RuleFinding[] {
  const { allocator } = toml;
  if (!allocator || allocator.auth === "mtls") return [];
  const fix = 'set auth = "mtls" with its files';
  if (allocator.host !== undefined && !isLoopback(allocator.host))
    return [
      { path: ["allocator", "host"], value: allocator.host, problem: "is open to other machines without TLS", fix },
    ];
  const far = regionsOf(toml).some(
    (region) => (flags.engine ?? region.engine) === "nomad" && !isOurCluster(region, flags),
  );
  if (allocator.auth !== "none" || !far) return [];
  return [
    { path: ["allocator", "auth"], value: "none", problem: "would let anybody on a cluster's network allocate", fix },
  ];
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}

function portsAreEnough(toml: ForgeToml): readonly RuleFinding[] {
  const last = regionsOf(toml).length - 1;
  return (["allocator", "ping"] as const).flatMap((service) => {
    const port = toml[service]?.port;
    if (port === undefined || port + last <= 65_535) return [];
    const problem = `leaves no port for the last of ${last + 1} regions`;
    return [{ path: [service, "port"], value: port, problem, fix: `write at most ${65_535 - last}` }];
  });
}
