import type { FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "../../protocol/clock";
import type { AuditLines } from "../audit-lines";
import type { AuditLog } from "../audit-log";
import { ProblemError } from "../problems";
import { accessOf } from "./access";
import type { Admission, Weight } from "./admission";
import { type Caller, type Credentials, type Identity, authenticate, authorize } from "./caller";
import type { CrossOrigin } from "./cross-origin";
import type { Metrics } from "./metrics";
import { type AnyRoute, pathOf } from "./route";
import type { SiteCheck } from "./site-check";

declare module "fastify" {
  interface FastifyRequest {
    /** Set by the gatekeeper, before anything else reads the request. */
    visit: Visit;
  }
}

export interface GatekeeperDeps {
  readonly site: SiteCheck;
  readonly crossOrigin: CrossOrigin;
  readonly admission: Admission;
  readonly metrics: Metrics;
  readonly audit: AuditLog;
  readonly auditLines: AuditLines | undefined;
  readonly clock: Clock;
  readonly credentials: Credentials;
  readonly closing: AbortSignal;
}

/** One call from its first header to its last byte. */
export class Visit {
  /** By a finer clock than what is only told apart in milliseconds. */
  readonly beganMs = performance.now();
  /** Known once the call was let in. */
  caller!: Caller;
  identity: Identity | undefined;
  weight: Weight | undefined;
  playerId: string | undefined;
  /** Whose stream it is. */
  listener: string | undefined;
  problem: ProblemError | undefined;

  /** Told what is answered instead of a result, for the audit log. */
  failed(problem: ProblemError): void {
    this.problem = problem;
  }
}

/**
 * Lets calls in before their body is read: right site, room for one more, credentials, role. Counts and audits them
 * when they end, however they end.
 */
export class Gatekeeper {
  readonly #deps: GatekeeperDeps;

  constructor(deps: GatekeeperDeps) {
    this.#deps = deps;
  }

  /** @throws {ProblemError} where the call is not let in */
  enter(definition: AnyRoute, request: FastifyRequest, reply: FastifyReply): void {
    const { site, crossOrigin, closing, credentials } = this.#deps;
    const visit = new Visit();
    request.visit = visit;
    reply.raw.once("close", () => this.#leave(definition, visit, request, reply));
    crossOrigin.mark(definition.key, request.headers.origin, reply.raw);
    if (closing.aborted) throw new ProblemError("closing", "this controller is closing");
    site.check(request.method, request.headers.host, request.headers.origin);
    this.#admit(definition, visit, request);

    const access = accessOf(definition.key);
    visit.identity = authenticate(request.headers.authorization, access, credentials);
    visit.caller = authorize(visit.identity, access);
    if (visit.identity.actor.role === "player") {
      this.#deps.admission.enterPlayer(visit.identity.actor.sub);
      visit.playerId = visit.identity.actor.sub;
    }
    if (visit.weight === "streaming") {
      this.#deps.admission.enterListener(visit.identity.actor.sub);
      visit.listener = visit.identity.actor.sub;
    }
  }

  #admit(definition: AnyRoute, visit: Visit, { query }: FastifyRequest): void {
    const asksToWait = typeof query === "object" && query !== null && "wait" in query;
    const weight = definition.weight ?? (asksToWait ? "waiting" : "working");
    this.#deps.admission.enter(weight);
    visit.weight = weight;
  }

  #leave({ key, action }: AnyRoute, visit: Visit, request: FastifyRequest, reply: FastifyReply): void {
    const { admission, metrics, audit, auditLines, clock } = this.#deps;
    if (visit.weight) admission.leave(visit.weight);
    if (visit.playerId !== undefined) admission.leavePlayer(visit.playerId);
    if (visit.listener !== undefined) admission.leaveListener(visit.listener);
    // 499: gone before the answer, as proxies log it.
    const status = reply.raw.headersSent ? reply.statusCode : 499;
    metrics.observe(key, status, (performance.now() - visit.beganMs) / 1000);
    if (action === undefined || !visit.identity) return;
    const { sub, role } = visit.identity.actor;
    const entry = audit.record({
      atMs: clock.now(),
      sub,
      role,
      action,
      path: pathOf(request.url),
      status,
      code: visit.problem?.code,
      requestId: request.id,
    });
    auditLines?.write(entry);
  }
}
