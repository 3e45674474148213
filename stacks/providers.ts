import { ConsulProvider } from "@cdktf/provider-consul/lib/provider";
import { NomadProvider } from "@cdktf/provider-nomad/lib/provider";
import { VaultProvider } from "@cdktf/provider-vault/lib/provider";
import type { TerraformProvider } from "cdktf";
import type { Construct } from "constructs";
import type { SystemEndpoint } from "../config/region-endpoints";
import { escapeTemplate } from "../jobs/escape";

/**
 * Terraform's way to a region's Nomad. A token is read from its file when Terraform plans, or by the provider from
 * NOMAD_TOKEN: it never gets into cdktf.out or the state.
 */
export function addNomadProvider(scope: Construct, { address, caFile, tokenFile }: SystemEndpoint): TerraformProvider {
  return new NomadProvider(scope, "nomad", {
    address: escapeTemplate(address),
    ...(caFile === undefined ? {} : { caFile: escapeTemplate(caFile) }),
    ...(tokenFile === undefined ? {} : { secretId: tokenIn(tokenFile) }),
  });
}

/** As `addNomadProvider`; otherwise from CONSUL_HTTP_TOKEN. */
export function addConsulProvider(scope: Construct, { address, caFile, tokenFile }: SystemEndpoint): TerraformProvider {
  const url = new URL(address);
  return new ConsulProvider(scope, "consul", {
    // It wants host and scheme apart, or asks an https address without TLS.
    address: escapeTemplate(url.host),
    scheme: url.protocol.replace(":", ""),
    ...(caFile === undefined ? {} : { caFile: escapeTemplate(caFile) }),
    ...(tokenFile === undefined ? {} : { token: tokenIn(tokenFile) }),
  });
}

/** As `addNomadProvider`; otherwise from VAULT_TOKEN. */
export function addVaultProvider(scope: Construct, { address, caFile, tokenFile }: SystemEndpoint): TerraformProvider {
  return new VaultProvider(scope, "vault", {
    address: escapeTemplate(address),
    ...(caFile === undefined ? {} : { caCertFile: escapeTemplate(caFile) }),
    ...(tokenFile === undefined ? {} : { token: tokenIn(tokenFile) }),
  });
}

/** A file's text when Terraform plans, as a template; for a token or a certificate. */
export function textOf(file: string): string {
  return `\${${fileText(file)}}`;
}

/** The same as an expression inside of one. */
export function fileText(file: string): string {
  return `trimspace(file(${JSON.stringify(escapeTemplate(file))}))`;
}

const tokenIn = textOf;
