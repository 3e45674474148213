/** The ports of one region on 127.0.0.1, as the table in docs/nomad-region.md has them. */
export interface LocalPorts {
  readonly nomadHttp: number;
  readonly nomadRpc: number;
  /** Gossip of the Nomad server. */
  readonly nomadSerf: number;
  /** HTTP of the Nomad client, which is a process of its own. */
  readonly nomadClientHttp: number;
  readonly consulHttp: number;
  readonly consulDns: number;
  readonly consulRpc: number;
  readonly consulLan: number;
  readonly consulWan: number;
  readonly vaultApi: number;
  readonly vaultCluster: number;
  /** Where nodes fetch Forge's programs. */
  readonly artifacts: number;
  /** The controller's HTTP API. */
  readonly api: number;
  /** Agones' allocation service, where forge.toml has one. */
  readonly allocator: number;
  /** Echo by HTTP and UDP, where forge.toml has one. */
  readonly ping: number;
  /** Where agents dial the controller. */
  readonly agents: number;
  /** Game servers, first and last port. */
  readonly games: { readonly first: number; readonly last: number };
}

/** More regions than this on one machine, and Vault's ports would run into Consul's. */
export const MAX_LOCAL_REGIONS = 10;

const GAME_PORTS = 2000;
const FIRST_GAME_PORT = 20_000;
/** So that the last game port of the last region is a port still. */
export const MAX_PORT_OFFSET = 65_535 - (FIRST_GAME_PORT + MAX_LOCAL_REGIONS * GAME_PORTS - 1);

/**
 * @param index the region's place in forge.toml, from 0
 * @param offset what FORGE_PORT_OFFSET adds to all of them, 0 to `MAX_PORT_OFFSET`
 */
export function localPorts(index: number, offset = 0): LocalPorts {
  const tens = offset + 10 * index;
  const ones = offset + index;
  const games = FIRST_GAME_PORT + offset + GAME_PORTS * index;
  return {
    nomadHttp: 4646 + tens,
    nomadRpc: 4647 + tens,
    nomadSerf: 4648 + tens,
    nomadClientHttp: 4649 + tens,
    consulHttp: 8500 + tens,
    consulDns: 8600 + tens,
    consulRpc: 8300 + tens,
    consulLan: 8301 + tens,
    consulWan: 8302 + tens,
    vaultApi: 8200 + tens,
    vaultCluster: 8201 + tens,
    artifacts: 7600 + ones,
    ping: 7400 + ones,
    allocator: 7500 + ones,
    api: 7700 + ones,
    agents: 7800 + ones,
    games: { first: games, last: games + GAME_PORTS - 1 },
  };
}

/** What FORGE_PORT_OFFSET says: a whole number, 0 where it is unset; undefined where it is not one that fits. */
export function portOffsetOf(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return 0;
  const offset = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  return offset <= MAX_PORT_OFFSET ? offset : undefined;
}

/** The port of a service of its own: what forge.toml gives the first region, counted on, or what Forge chooses. */
export function servicePort(
  { index, ports }: { readonly index: number; readonly ports: LocalPorts },
  service: "allocator" | "ping",
  first: number | undefined,
): number {
  return first === undefined ? ports[service] : first + index;
}
