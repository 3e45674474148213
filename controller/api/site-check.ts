import { isIP } from "node:net";
import { ProblemError } from "../problems";
import { Origins } from "./origins";

export interface SiteOptions {
  /** Names, without port, that this controller may be called by beside `localhost` and plain addresses. */
  readonly hosts?: readonly string[];
  /** Whose pages may call it, none where not given; its own pages always may. */
  readonly origins?: Origins;
}

/**
 * Keeps web pages of other sites out. A page that points its own name at 127.0.0.1 (DNS rebinding) is seen by the
 * Host header, which then has that name; addresses cannot be rebound. Other pages' direct calls are seen by Origin.
 */
export class SiteCheck {
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: Origins;
  /** Host headers seen to be right: few, and the same again and again. */
  readonly #goodHosts = new Set<string>();

  constructor({ hosts = [], origins = new Origins() }: SiteOptions) {
    this.#hosts = new Set(hosts.map((host) => host.toLowerCase()));
    this.#origins = origins;
  }

  /** @throws {ProblemError} hostNotAllowed, originNotAllowed */
  check(method: string, host: string | undefined, origin: string | undefined): void {
    if (host === undefined || !(this.#goodHosts.has(host) || this.#isGoodHost(host))) {
      throw new ProblemError(
        "hostNotAllowed",
        `the Host header says ${JSON.stringify(host ?? "")}; call the controller by localhost, an address or a name it was told of`,
      );
    }
    if (origin === undefined || method === "GET" || method === "HEAD") return;
    const asked = origin.toLowerCase();
    const own = asked === `http://${host.toLowerCase()}` || asked === `https://${host.toLowerCase()}`;
    if (!own && !this.#origins.has(asked)) {
      throw new ProblemError(
        "originNotAllowed",
        `pages of ${JSON.stringify(origin)} may not change anything here: [api] origins of forge.toml does not list them`,
      );
    }
  }

  #isGoodHost(host: string): boolean {
    const name = hostName(host.toLowerCase());
    if (name === undefined) return false;
    const good = name === "localhost" || name.endsWith(".localhost") || isIP(name) !== 0 || this.#hosts.has(name);
    if (good && this.#goodHosts.size < 64) this.#goodHosts.add(host);
    return good;
  }
}

/** `name:port`, `1.2.3.4:port` or `[::1]:port` without the port; undefined where it is none of these. */
function hostName(host: string): string | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]/@\s]+?)\.?)(?::\d{1,5})?$/.exec(host);
  return match?.[1] ?? match?.[2];
}
