import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createSecureContext, type SecureContextOptions } from "node:tls";

/** Files of the allocation service, as Agones' allocator mounts them. */
export interface CertificateFiles {
  /** PEM: the service's own chain, and its key. */
  readonly certFile: string;
  readonly keyFile: string;
  /** Folder whose `.crt` and `.pem` files are the authorities of clients that may call. */
  readonly clientCaDir: string;
}

export type Certificates = Required<Pick<SecureContextOptions, "cert" | "key" | "ca">>;

/**
 * Reads them all and checks that they make a working server.
 * @throws {Error} where one is missing or is none, or no client's authority is there: then nobody could ever call
 */
export function readCertificates({ certFile, keyFile, clientCaDir }: CertificateFiles): Certificates {
  const names = readdirSync(clientCaDir).filter((name) => name.endsWith(".crt") || name.endsWith(".pem"));
  const ca = names.sort().map((name) => readFileSync(join(clientCaDir, name), "utf8"));
  if (ca.length === 0)
    throw new Error(`${clientCaDir} has no .crt or .pem file: put the authority of the clients' certificates there`);
  const certificates = { cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8"), ca };
  createSecureContext(certificates);
  return certificates;
}
