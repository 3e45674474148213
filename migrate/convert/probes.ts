import type { Cursor } from "../ledger/claims";
import type { Check } from "../model/nomad-job";
import type { PodContext } from "./pod-context";

/** A check and the port that it asks, as a label of the group. */
export interface ProbeCheck {
  readonly check: Check;
  readonly label: string | undefined;
}

export interface ProbeOf {
  readonly task: string;
  readonly context: PodContext;
  /** The label of a container's port by number or name; undefined where there is none. */
  portLabel(port: number | string): string | undefined;
}

/** Readiness and liveness of one container as checks. A startup probe is time that liveness gives it. */
export function checksOf(container: Cursor, of: ProbeOf): readonly ProbeCheck[] {
  const startup = container.get("startupProbe");
  const startupSecs = startup.present ? secondsUntilGivenUp(startup) : 0;
  startup.note("startupProbe", `${of.context.target}#service.check.check_restart.grace`);
  const readiness = checkOf(container.get("readinessProbe"), "readiness", of);
  if (!container.get("livenessProbe").present) startup.note("startupAlone");
  const liveness = checkOf(container.get("livenessProbe"), "liveness", of);
  const restart = liveness && {
    ...liveness,
    check: { ...liveness.check, checkRestart: restartOf(container.get("livenessProbe"), startupSecs) },
  };
  return [readiness, restart].filter((each) => each !== undefined);
}

function restartOf(probe: Cursor, startupSecs: number) {
  const initial = probe.get("initialDelaySeconds").int() ?? 0;
  // `failures_before_critical` would multiply with it.
  return {
    limit: Math.max(1, countOf(probe, "failureThreshold", 3)),
    grace: clamp(initial + startupSecs, 1, 86_400),
  };
}

function secondsUntilGivenUp(probe: Cursor): number {
  const initial = probe.get("initialDelaySeconds").int() ?? 0;
  return initial + countOf(probe, "failureThreshold", 3) * countOf(probe, "periodSeconds", 10);
}

/** A number of a probe; to Kubernetes 0 is what nobody said. */
function countOf(probe: Cursor, field: string, byDefault: number): number {
  return probe.get(field).int() || byDefault;
}

function checkOf(probe: Cursor, name: "readiness" | "liveness", of: ProbeOf): ProbeCheck | undefined {
  if (!probe.present) return undefined;
  const { answers, target } = of.context;
  const targetOf = `${target}#service.check.${of.task}-${name}`;
  probe.note(name === "liveness" ? "livenessProbe" : "readinessProbe", targetOf);
  probe.get("terminationGracePeriodSeconds").note("probeGrace");
  const how = handlerOf(probe, of);
  if (how === undefined) return undefined;
  const { label, ...handler } = how;
  const times = {
    interval: clamp(countOf(probe, "periodSeconds", 10), 1, 86_400),
    timeout: clamp(countOf(probe, "timeoutSeconds", 1), 1, 86_400),
  };
  const failures = countOf(probe, "failureThreshold", 3);
  const successes = countOf(probe, "successThreshold", 1);
  // Of commands Consul counts nothing.
  const isCounted = answers.services === "consul" && handler.type !== "script";
  if (!isCounted && name === "readiness") {
    for (const key of ["failureThreshold", "successThreshold"]) probe.get(key).note("thresholdNotCounted");
  }
  // Consul counts failures from 0: the second one in a row with 1.
  const thresholds =
    isCounted && name === "readiness"
      ? {
          ...(successes > 1 ? { successBeforePassing: Math.min(successes, 1000) } : {}),
          ...(failures > 1 ? { failuresBeforeCritical: Math.min(failures, 1000) } : {}),
        }
      : {};
  return { label, check: { name: `${of.task}-${name}`, ...handler, ...times, ...thresholds } };
}

type Handler = Pick<Check, "type"> & Partial<Check> & { readonly label: string | undefined };

function handlerOf(probe: Cursor, of: ProbeOf): Handler | undefined {
  const isConsul = of.context.answers.services === "consul";
  const http = probe.get("httpGet");
  if (http.present) return httpHandler(http, of);
  const tcp = probe.get("tcpSocket");
  if (tcp.present) return portHandler(tcp, of, { type: "tcp" });
  const grpc = probe.get("grpc");
  if (grpc.present) {
    const service = grpc.get("service").text() ?? "";
    if (isConsul) return portHandler(grpc, of, { type: "grpc", ...(service === "" ? {} : { grpcService: service }) });
    grpc.note("checkNeedsConsul");
    return undefined;
  }
  const exec = probe.get("exec");
  const [command, ...args] = exec.get("command").texts();
  if (!exec.present || command === undefined) {
    probe.note("unknownProbe");
    return undefined;
  }
  if (!isConsul) {
    exec.note("checkNeedsConsul");
    return undefined;
  }
  return { type: "script", task: of.task, command, args, label: undefined };
}

function portHandler(handler: Cursor, of: ProbeOf, check: Pick<Check, "type"> & Partial<Check>): Handler | undefined {
  const port = handler.get("port").intOrText();
  const label = port === undefined ? undefined : of.portLabel(port);
  if (label === undefined) {
    handler.note("unresolvedPort");
    return undefined;
  }
  const host = handler.get("host");
  if (host.present) host.note("probeHost");
  return { ...check, label };
}

function httpHandler(http: Cursor, of: ProbeOf): Handler | undefined {
  const path = http.get("path").text() ?? "/";
  const isHttps = http.get("scheme").text() === "HTTPS";
  const header = new Map<string, string[]>();
  for (const each of http.get("httpHeaders").items()) {
    const name = each.get("name").text() ?? "";
    const value = each.get("value").text() ?? "";
    if (/^[\w-]+$/.test(name)) header.set(name, [...(header.get(name) ?? []), value]);
    else each.note("badName");
  }
  return portHandler(http, of, {
    type: "http",
    path: urlPath(path.startsWith("/") ? path : `/${path}`),
    ...(isHttps ? { protocol: "https", tlsSkipVerify: true } : {}),
    ...(header.size === 0 ? {} : { header: Object.fromEntries(header) }),
  });
}

/** What no URL holds, and Nomad refuses, in the signs that stand for it; Kubernetes asks by the same. */
function urlPath(path: string): string {
  // eslint-disable-next-line no-control-regex
  return path.replace(/%(?![0-9A-Fa-f]{2})|[\0-\x1f\x7f]/g, (sign) => encodeURIComponent(sign));
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
