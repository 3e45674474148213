/** Where a program listens: the path of a Unix socket, or a TCP address. */
export type Address = string | { readonly host: string; readonly port: number };

/** Linux keeps 108 bytes for a socket's path, its end included; macOS 104. */
const MAX_PATH_BYTES = 103;

/**
 * Reads `/run/forge/agent.sock`, `unix:…`, `127.0.0.1:7800`, `[::1]:7800` or `tcp://127.0.0.1:7800`.
 * @throws {Error} naming the text and what is wrong with it
 */
export function parseAddress(text: string): Address {
  const path = text.startsWith("unix:") ? text.slice("unix:".length) : text;
  if (path.startsWith("/")) {
    if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
      throw new Error(
        `socket path ${path} has ${Buffer.byteLength(path)} bytes and the system allows ${MAX_PATH_BYTES}: choose a shorter folder`,
      );
    }
    return path;
  }
  const match = /^(?:tcp:\/\/)?(?:\[([^\]]+)\]|([^:/]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (!host || !(port <= 65535)) {
    throw new Error(`address ${JSON.stringify(text)} is neither an absolute path nor HOST:PORT`);
  }
  return { host, port };
}

export function formatAddress(address: Address): string {
  if (typeof address === "string") return address;
  return address.host.includes(":") ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}
