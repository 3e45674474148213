import type { ExperienceToml } from "./experience-schema";
import type { Path } from "./problem";
import { healthKindsOf, healthPortOf, resolvePort, SEATS_OF_SDK } from "./resolve-experience";
import type { RuleFinding } from "./rule";

/** What an SDK, or having none, means for seats, health and network. */
export function sdkRules(at: Path, { sdk, seats, network, health }: ExperienceToml): readonly RuleFinding[] {
  const found: RuleFinding[] = [];
  const about = [
    [...at, "sdk"],
    [...at, "health"],
  ];
  if (network === "bridge" && sdk !== "none") {
    const problem = `does not work with sdk = "${sdk}": SDKs dial localhost, and in a bridge that is not the node's`;
    found.push({ path: [...at, "network"], value: network, problem, fix: 'use "host", or sdk = "none"', about });
  }
  if (sdk === "none" && seats === "reported") {
    const problem = 'needs an SDK: with sdk = "none" nobody reports joins';
    found.push({
      path: [...at, "seats"],
      value: seats,
      problem,
      fix: 'use "observed" or "match", or sdk = "forge"',
      about,
    });
  }
  const counted = typeof health === "object" && (health.query !== undefined || health.log?.joined !== undefined);
  if ((seats ?? SEATS_OF_SDK[sdk]) === "observed" && !counted) {
    const problem = 'is "observed", and nothing here counts players';
    const fix =
      'add health = { query = "…" } or health = { log = { joined = "…", left = "…" } }, or set seats = "match"';
    found.push({ path: [...at, "seats"], value: seats, problem, fix, about });
  }
  const asksSdk = health === "sdk" || (typeof health === "object" && health.sdk === true);
  if (sdk === "none" && asksSdk) {
    const problem = 'needs an SDK, and sdk is "none"';
    found.push({ path: [...at, "health"], value: health, problem, fix: "use http, tcp, query, log or process", about });
  }
  return found;
}

/** One check, with what it needs. */
export function healthRules(at: Path, experience: ExperienceToml): readonly RuleFinding[] {
  const { health, ports } = experience;
  if (health === undefined) return [];
  const path = [...at, "health"];
  const about = [[...at, "ports"], path];
  const found: RuleFinding[] = [];
  const complain = (problem: string, fix: string, key?: string) =>
    found.push({
      path: key === undefined ? path : [...path, key],
      value: key === undefined ? health : valueOf(health, key),
      problem,
      fix,
      about,
    });
  const kinds = healthKindsOf(health);
  if (kinds.length > 1)
    complain(`asks for ${kinds.join(" and ")} at once`, `keep one of them; log may stand beside it to count players`);
  if (typeof health === "object") {
    const { log, metrics } = health;
    const agonesOnly = (["period_secs", "failure_threshold", "initial_delay_secs"] as const).find((key) => health[key]);
    if (agonesOnly !== undefined && (experience.sdk !== "agones" || kinds[0] !== "sdk")) {
      complain('is for sdk = "agones" and its Health calls', "remove it, or use [health]", agonesOnly);
    }
    if (kinds.length === 0 && log === undefined)
      complain(
        "says nothing to check",
        'write { http = "/health" }, { query = "quake3" } or { log = { ready = "…" } }',
      );
    if (metrics !== undefined && health.http === undefined)
      complain("needs http beside it", 'add http = "/health"', "metrics");
    if (log !== undefined && (log.joined === undefined) !== (log.left === undefined)) {
      complain("counts only one way", "give both joined and left, or neither", "log");
    }
    if (log?.ready !== undefined && kinds.length > 0)
      complain(`has a ready line, but ${kinds[0]} says when the server is ready`, "remove ready from log", "log");
  }
  const needy = kinds.find((kind) => kind === "http" || kind === "tcp" || kind === "query");
  const port = healthPortOf(experience, health);
  if (needy !== undefined && port === undefined) {
    complain(
      `${needy} needs a port, and there is none that fits`,
      needy === "query" ? 'add ports = { game = "udp" }' : `add one to ports: { web = "http" }`,
    );
  } else if (port !== undefined && !Object.hasOwn(ports, port)) {
    const names = Object.keys(ports);
    complain(
      "is no port of this experience",
      names.length === 0 ? `add ${port} to ports` : `write one of ${names.join(", ")}`,
      "port",
    );
  } else if (
    port !== undefined &&
    (needy === "http" || needy === "tcp") &&
    resolvePort(ports[port] ?? "udp").protocol === "udp"
  ) {
    complain(`is a UDP port, and ${needy} needs a connection`, "name a port of protocol tcp, http or ws", "port");
  }
  return found;
}

function valueOf(health: object | string, key: string): unknown {
  return typeof health === "object" ? Object.entries(health).find(([name]) => name === key)?.[1] : health;
}
