import { ForgeUsageError } from "../errors";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where the gate listens for this server, and what it wants to hear. */
export interface GateAddress {
  readonly url: URL;
  readonly token: string;
}

/** @throws {ForgeUsageError} naming the variable that is missing or wrong */
export function gateAddress(env: Environment): GateAddress {
  const { FORGE_SDK_URL: url, FORGE_SDK_TOKEN: token } = env;
  if (!url || !token) {
    const missing = url ? "FORGE_SDK_TOKEN" : "FORGE_SDK_URL";
    throw new ForgeUsageError(
      "environment",
      `${missing} is not set: Forge sets it for the servers it starts (sdk = "forge" in forge.toml); started by hand, give it yourself`,
    );
  }
  if (!URL.canParse(url) || new URL(url).protocol !== "http:") {
    throw new ForgeUsageError("environment", `FORGE_SDK_URL is "${url}": expected http://ADDRESS:PORT`);
  }
  return { url: new URL(url), token };
}

/** `FORGE_ROLE_<ROLE>`: the servers of each fleet role as known when this server was started. */
export function rolePeers(env: Environment): Map<string, readonly string[]> {
  const peers = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(env)) {
    const role = /^FORGE_ROLE_(.+)$/.exec(name)?.[1];
    if (role === undefined || !value) continue;
    peers.set(
      roleKey(role),
      value
        .split(",")
        .map((address) => address.trim())
        .filter(Boolean),
    );
  }
  return peers;
}

/** Environment variables carry a role's name in capitals and with `_` for `-`; events carry it as it is. */
export function roleKey(role: string): string {
  return role.toLowerCase().replaceAll("-", "_");
}

/**
 * A port that Forge gave this server, by its name in forge.toml: `FORGE_PORT_<NAME>`.
 * @throws {ForgeUsageError} where it is not set or no port number
 */
export function forgePort(env: Environment, name: string): number {
  const variable = `FORGE_PORT_${name.toUpperCase().replaceAll("-", "_")}`;
  const value = env[variable] ?? env[`FORGE_PORT_${name}`];
  const port = Number(value);
  if (!value || !Number.isInteger(port) || port < 0 || port > 65_535) {
    const found = value ? `is "${value}", not a port number` : "is not set";
    throw new ForgeUsageError("environment", `${variable} ${found}: declare the port "${name}" in forge.toml`);
  }
  return port;
}
