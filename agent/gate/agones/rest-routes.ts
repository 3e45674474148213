import { AGONES_METHODS, type AgonesMethod } from "./messages";

interface Route {
  readonly verb: string;
  readonly path: RegExp;
  readonly rpc: string;
  /** `name` is what the path holds; without it the body is the message. */
  readonly toMessage?: (name: string, body: unknown, query: URLSearchParams) => unknown;
}

const SDK = "agones.dev.sdk.SDK";
const BETA = "agones.dev.sdk.beta.SDK";
const ALPHA = "agones.dev.sdk.alpha.SDK";

const named = (name: string, body: unknown): unknown => ({ ...asObject(body), name });
const nothing = (): unknown => ({});

const ROUTES: readonly Route[] = [
  { verb: "POST", path: /^\/ready$/, rpc: `${SDK}/Ready` },
  { verb: "POST", path: /^\/allocate$/, rpc: `${SDK}/Allocate` },
  { verb: "POST", path: /^\/shutdown$/, rpc: `${SDK}/Shutdown` },
  { verb: "POST", path: /^\/health$/, rpc: `${SDK}/Health` },
  { verb: "POST", path: /^\/reserve$/, rpc: `${SDK}/Reserve` },
  { verb: "GET", path: /^\/gameserver$/, rpc: `${SDK}/GetGameServer`, toMessage: nothing },
  { verb: "GET", path: /^\/watch\/gameserver$/, rpc: `${SDK}/WatchGameServer`, toMessage: nothing },
  { verb: "PUT", path: /^\/metadata\/label$/, rpc: `${SDK}/SetLabel` },
  { verb: "PUT", path: /^\/metadata\/annotation$/, rpc: `${SDK}/SetAnnotation` },
  { verb: "GET", path: /^\/v1beta1\/counters\/([^/:]+)$/, rpc: `${BETA}/GetCounter`, toMessage: named },
  {
    verb: "PATCH",
    path: /^\/v1beta1\/counters\/([^/:]+)$/,
    rpc: `${BETA}/UpdateCounter`,
    toMessage: (name, body) => ({ counterUpdateRequest: named(name, body) }),
  },
  { verb: "GET", path: /^\/v1beta1\/lists\/([^/:]+)$/, rpc: `${BETA}/GetList`, toMessage: named },
  {
    verb: "PATCH",
    path: /^\/v1beta1\/lists\/([^/:]+)$/,
    rpc: `${BETA}/UpdateList`,
    toMessage: (name, body, query) => ({ list: named(name, body), update_mask: maskOf(body, query) }),
  },
  { verb: "POST", path: /^\/v1beta1\/lists\/([^/:]+):addValue$/, rpc: `${BETA}/AddListValue`, toMessage: named },
  { verb: "POST", path: /^\/v1beta1\/lists\/([^/:]+):removeValue$/, rpc: `${BETA}/RemoveListValue`, toMessage: named },
  { verb: "POST", path: /^\/alpha\/player\/connect$/, rpc: `${ALPHA}/PlayerConnect` },
  { verb: "POST", path: /^\/alpha\/player\/disconnect$/, rpc: `${ALPHA}/PlayerDisconnect` },
  { verb: "PUT", path: /^\/alpha\/player\/capacity$/, rpc: `${ALPHA}/SetPlayerCapacity` },
  { verb: "GET", path: /^\/alpha\/player\/capacity$/, rpc: `${ALPHA}/GetPlayerCapacity`, toMessage: nothing },
  { verb: "GET", path: /^\/alpha\/player\/count$/, rpc: `${ALPHA}/GetPlayerCount`, toMessage: nothing },
  {
    verb: "GET",
    path: /^\/alpha\/player\/connected\/([^/]+)$/,
    rpc: `${ALPHA}/IsPlayerConnected`,
    toMessage: (playerID) => ({ playerID }),
  },
  { verb: "GET", path: /^\/alpha\/player\/connected$/, rpc: `${ALPHA}/GetConnectedPlayers`, toMessage: nothing },
];

const METHODS = new Map(AGONES_METHODS.map((method) => [method.path, method]));

/** Whether a path is one of Agones' SDK, whatever the verb: then its words answer, not Forge's. */
export function isAgonesPath(path: string): boolean {
  return ROUTES.some((route) => route.path.test(path));
}

/**
 * @returns undefined where there is no such call; a function of the body otherwise, because a stream takes none
 * @throws {URIError} where a name in the path is not encoded as one
 */
export function restCall(
  verb: string,
  { pathname, searchParams }: URL,
): { readonly method: AgonesMethod; readonly message: (body: unknown) => unknown } | undefined {
  for (const { verb: of, path, rpc, toMessage } of ROUTES) {
    const match = of === verb ? path.exec(pathname) : null;
    const method = match && METHODS.get(`/${rpc}`);
    if (!match || !method) continue;
    const name = decodeURIComponent(match[1] ?? "");
    return { method, message: (body) => (toMessage ? toMessage(name, body, searchParams) : (body ?? {})) };
  }
  return undefined;
}

/** The mask of the query; without one, as the gateway does, what the body names. */
function maskOf(body: unknown, query: URLSearchParams): string {
  const asked = query.get("updateMask") ?? query.get("update_mask");
  return asked ?? Object.keys(asObject(body)).join(",");
}

function asObject(body: unknown): object {
  return typeof body === "object" && body !== null && !Array.isArray(body) ? body : {};
}
