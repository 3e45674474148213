import type { Cursor } from "../ledger/claims";
import type { KubeObject } from "../object";
import { claimCommon } from "./metadata";
import { dnsLabel } from "./names";

/** A way from outside to a Service: a rule of Traefik, which reads it from the Service's tags in Consul's catalogue. */
export interface Route {
  readonly service: string;
  readonly port: number | string | undefined;
  readonly rule: string;
  readonly priority: number;
  /** Where the object names the Service. */
  readonly backend: Cursor;
}

const TARGET = "consul/services#tags";

/** Tags of one port of a Service: by number or name, the first one where nothing is said. */
export interface PortTags {
  readonly service: string;
  readonly port: number | string | undefined;
  readonly tags: readonly string[];
}

/** The tags that an object's routes come to. */
export function routeTags(object: KubeObject, routes: readonly Route[]): readonly PortTags[] {
  const counts = new Map<string, number>();
  return routes.map(({ service, rule, priority, port }) => {
    const count = counts.get(service) ?? 0;
    counts.set(service, count + 1);
    const router = dnsLabel(`${object.namespace || "default"}-${object.name}-${service}-${count}`);
    const of = `traefik.http.routers.${router}`;
    return { service, port, tags: ["traefik.enable=true", `${of}.rule=${rule}`, `${of}.priority=${priority}`] };
  });
}

/** Whether a route to this port leads to a port of a Service's list. */
export function isPort(at: Cursor, index: number, port: number | string | undefined): boolean {
  if (port === undefined) return index === 0;
  return at.get("port").int() === port || at.get("name").text() === port;
}

/** What an Ingress leads to. */
export function ingressRoutes(ingress: KubeObject): readonly Route[] {
  claimCommon(ingress, TARGET);
  const spec = ingress.root.get("spec");
  spec.get("ingressClassName").note("ingressGateway", TARGET);
  spec.get("tls").note("ingressTls");
  for (const [key, value] of ingress.root.get("metadata", "annotations").entries()) {
    if (/snippet$/.test(key)) value.note("ingressSnippet");
    else if (key.includes("ingress")) value.note("ingressAnnotation");
  }
  const routes: Route[] = [];
  const add = (backend: Cursor, rule: string, priority: number): void => {
    const service = backend.get("service", "name").text() ?? backend.get("serviceName").text() ?? "";
    if (service === "") {
      backend.note("ingressResource");
      return;
    }
    backend.note("ingressGateway", TARGET);
    const at = backend.get("service", "port");
    const port = at.get("number").int() ?? at.get("name").text() ?? backend.get("servicePort").intOrText();
    routes.push({ service, port, rule, backend, priority });
  };
  for (const key of ["defaultBackend", "backend"]) if (spec.get(key).present) add(spec.get(key), "PathPrefix(`/`)", 1);
  for (const rule of spec.get("rules").items()) {
    const host = rule.get("host").note("ingressGateway", TARGET).text();
    for (const path of rule.get("http", "paths").items()) {
      const text = path.get("path").note("ingressGateway", TARGET).text() ?? "/";
      const typeAt = path.get("pathType");
      const type = typeAt.text() ?? "Prefix";
      typeAt.note(type === "ImplementationSpecific" ? "ingressPathType" : "ingressGateway", TARGET);
      const match = type === "ImplementationSpecific" ? specificRule(text) : pathRule(text, type);
      const rule = host === undefined ? match : `${hostRule(host, ONE_LABEL)} && ${match}`;
      add(path.get("backend"), rule, precedence(host, text, type === "Exact"));
    }
  }
  return routes;
}

/**
 * What an HTTPRoute of the Gateway API leads to. Rules with filters, and those that share traffic out between several Services,
 * cannot be said by tags: they are left out, and stay errors of the ledger.
 */
export function httpRoutes(route: KubeObject): readonly Route[] {
  claimCommon(route, TARGET);
  const spec = route.root.get("spec");
  spec.note("gatewayApi");
  spec.get("parentRefs").note("ingressGateway", TARGET);
  const names = spec.get("hostnames").note("ingressGateway", TARGET).texts();
  const hosts = names.map((host) => hostRule(host, SOME_LABELS));
  // Where several names share a route it comes after those that have one of its names alone.
  const widest = names.length === 0 ? undefined : (names.find((host) => host.startsWith("*.")) ?? names[0]);
  return spec
    .get("rules")
    .items()
    .flatMap((rule): readonly Route[] => {
      const [backend, ...more] = rule.get("backendRefs").items();
      const isPlain = backend !== undefined && more.length === 0 && !rule.get("filters").present;
      const service = backend?.get("name").text() ?? "";
      const isService = (backend?.get("kind").text() ?? "Service") === "Service";
      if (!isPlain || service === "" || !isService || backend.get("filters").present) return [];
      // Of another namespace it may be one that this route has no right to.
      if (backend.get("namespace").present) return [];
      const matches = rule.get("matches").items();
      const rules = matches.map(matchRule);
      if (rules.includes(undefined)) return [];
      for (const match of matches) match.note("ingressGateway", TARGET);
      backend.note("ingressGateway", TARGET);
      const port = backend.get("port").int();
      const routeOf = (rule: string, priority: number): Route => {
        return {
          service,
          port,
          rule: [anyOf(hosts), rule].filter((each) => each !== "").join(" && "),
          priority,
          backend,
        };
      };
      if (matches.length === 0) return [routeOf("PathPrefix(`/`)", precedence(widest, "/", false))];
      return matches.map((match, at) => routeOf(rules[at] ?? "", matchPrecedence(match, widest)));
    });
}

/** One match, all of which has to hold; undefined where Traefik's rules cannot say it. */
function matchRule(match: Cursor): string | undefined {
  const path = match.get("path");
  const type = path.get("type").text() ?? "PathPrefix";
  if (type !== "PathPrefix" && type !== "Exact") return undefined;
  const parts = [pathRule(path.get("value").text() ?? "/", type === "Exact" ? "Exact" : "Prefix")];
  const method = match.get("method").text();
  if (method !== undefined) parts.push(call("Method", method));
  for (const [key, name] of [
    ["headers", "Header"],
    ["queryParams", "Query"],
  ] as const) {
    for (const each of match.get(key).items()) {
      if ((each.get("type").text() ?? "Exact") !== "Exact") return undefined;
      parts.push(call(name, each.get("name").text() ?? "", each.get("value").text() ?? ""));
    }
  }
  return parts.join(" && ");
}

/**
 * Which of two rules that both take a request is asked first, the greater one, in the order of Kubernetes: a host's own name, a
 * wildcard, any host; then the longer path; then an exact one. Without it Traefik goes by the rule's length.
 */
function precedence(host: string | undefined, path: string, isExact: boolean, more = 0): number {
  const rank = host === undefined ? 0 : host.startsWith("*.") ? 1 : 2;
  return rank * 100_000 + Math.min(4_000, path.length) * 20 + (isExact ? 10 : 0) + Math.min(9, more);
}

/** Of a match of the Gateway API, where a method, and then headers and parameters, come after the path. */
function matchPrecedence(match: Cursor, host: string | undefined): number {
  const path = match.get("path");
  const words = match.get("headers").items().length + match.get("queryParams").items().length;
  const more = (match.get("method").present ? 5 : 0) + Math.min(4, words);
  return precedence(host, path.get("value").text() ?? "/", path.get("type").text() === "Exact", more);
}

/** What a wildcard stands for: in an Ingress one label, in the Gateway API one or more. */
const ONE_LABEL = "[^.]+";
const SOME_LABELS = ".+";

function hostRule(host: string, wildcard: string): string {
  if (!host.startsWith("*.")) return call("Host", host);
  return call("HostRegexp", `^${wildcard}${host.slice(1).replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`);
}

function anyOf(rules: readonly string[]): string {
  if (rules.length < 2) return rules.join("");
  return `(${rules.map((rule) => (rule.includes(" && ") ? `(${rule})` : rule)).join(" || ")})`;
}

/** Traefik's rules quote with backticks, which no text within may hold. */
function call(name: string, ...words: readonly string[]): string {
  return `${name}(${words.map((word) => `\`${word.replaceAll("`", "")}\``).join(", ")})`;
}

/** What the controller made of it: with nginx a regular expression from the path's beginning, if it is one. */
function specificRule(path: string): string {
  return /[()[\]|^$*+\\]/.test(path)
    ? call("PathRegexp", path.startsWith("^") ? path : `^${path}`)
    : pathRule(path, "Prefix");
}

/** A prefix is one of whole steps: `/a` takes `/a/b` and not `/ab`. */
function pathRule(path: string, type: string): string {
  if (type === "Exact") return call("Path", path);
  const bare = path.replace(/\/+$/, "");
  return bare === "" ? "PathPrefix(`/`)" : `(${call("Path", bare)} || ${call("PathPrefix", `${bare}/`)})`;
}
