import { HttpJson } from "../../clients/http-json";
import type { LocalPorts } from "../../config/local-ports";

/** The HTTP APIs of a region's agents on this machine. */
export interface RegionClients {
  readonly nomad: HttpJson;
  /** Of the client agent, a process of its own. */
  readonly nomadClient: HttpJson;
  readonly consul: HttpJson;
  readonly vault: HttpJson;
  /** Of Forge's own bundles. */
  readonly artifacts: HttpJson;
  /** Ends their connections. */
  close(): Promise<void>;
}

/** Asked before each call, so that a token that is made meanwhile is used; undefined: without one. */
export interface RegionTokens {
  readonly nomad?: () => string | undefined;
  readonly consul?: () => string | undefined;
  readonly vault?: () => string | undefined;
}

/** Where they are: what other programs on this machine are told, too. */
export function regionAddresses(ports: LocalPorts): {
  readonly nomad: string;
  readonly nomadClient: string;
  readonly consul: string;
  readonly vault: string;
  readonly artifacts: string;
} {
  return {
    nomad: `https://127.0.0.1:${String(ports.nomadHttp)}`,
    nomadClient: `https://127.0.0.1:${String(ports.nomadClientHttp)}`,
    consul: `http://127.0.0.1:${String(ports.consulHttp)}`,
    vault: `https://127.0.0.1:${String(ports.vaultApi)}`,
    artifacts: `http://127.0.0.1:${String(ports.artifacts)}`,
  };
}

/** @param ca PEM of the region's own CA */
export function regionClients(ports: LocalPorts, ca: string, tokens: RegionTokens = {}): RegionClients {
  const addresses = regionAddresses(ports);
  const nomadHeaders = headers("X-Nomad-Token", tokens.nomad);
  const nomad = new HttpJson({ name: "Nomad", address: addresses.nomad, ca, headers: nomadHeaders });
  const nomadClient = new HttpJson({
    name: "Nomad's client",
    address: addresses.nomadClient,
    ca,
    headers: nomadHeaders,
  });
  const consul = new HttpJson({
    name: "Consul",
    address: addresses.consul,
    headers: headers("X-Consul-Token", tokens.consul),
  });
  const vault = new HttpJson({
    name: "Vault",
    address: addresses.vault,
    ca,
    headers: headers("X-Vault-Token", tokens.vault),
  });
  const artifacts = new HttpJson({ name: "the artifact server", address: addresses.artifacts });
  const all = [nomad, nomadClient, consul, vault, artifacts];
  return {
    nomad,
    nomadClient,
    consul,
    vault,
    artifacts,
    close: async () => void (await Promise.all(all.map((client) => client.close()))),
  };
}

function headers(name: string, token: (() => string | undefined) | undefined): () => Record<string, string> {
  return () => {
    const value = token?.();
    return value === undefined ? {} : { [name]: value };
  };
}
