import { setMaxListeners } from "node:events";
import type { Socket } from "node:net";
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
} from "fastify";
import { AUTHORITY_PATH, type ShownAuthority } from "../../clients/authority";
import type { Clock } from "../../protocol/clock";
import { AuditLines } from "../audit-lines";
import { AuditLog } from "../audit-log";
import { RegionViews } from "../kubernetes/region-views";
import { ProblemError } from "../problems";
import type { Shift } from "../shift/shift";
import type { Tokens } from "../tokens";
import { Admission, type AdmissionLimits } from "./admission";
import { type Answer, PROBLEM_TYPE } from "./answer";
import type { ApiContext } from "./api-context";
import type { ApiBackend } from "./backend";
import { CallDeadlines } from "./call-deadlines";
import { CrossOrigin } from "./cross-origin";
import { Dashboard } from "./dashboard";
import { dispatch } from "./dispatch";
import { toProblemError } from "./failure";
import { Forwarder } from "./forwarder";
import { Gatekeeper, type GatekeeperDeps } from "./gatekeeper";
import { IdempotencyStore } from "./idempotency";
import { acceptJsonOnly } from "./json-body";
import { Metrics } from "./metrics";
import { SEALED_MOST } from "./queue-seal";
import { openApiOf } from "./openapi";
import { Origins } from "./origins";
import { Replies } from "./replies";
import { type AnyRoute, pathOf } from "./route";
import { ROUTES } from "./routes";
import { SiteCheck, type SiteOptions } from "./site-check";
import { unknownRoute } from "./unknown-route";

const BODY_LIMIT_BYTES = 1024 * 1024;
const MAX_CONNECTIONS = 30_000;
const HEADERS = { maxHeaderSize: 16 * 1024 };
/** How long a call may take beyond what it asked to wait. */
const CALL_MS = 30_000;
const LONGEST_POLL_MS = 60_000;

export interface ApiOptions extends SiteOptions {
  /** The run's; players' tickets are checked with keys that derive from it. Asked each time where it may change. */
  readonly ticketSecret: string | (() => readonly string[]);
  /** What /openapi.json says it is. */
  readonly version: string;
  readonly limits?: AdmissionLimits;
  /** How long `POST /v1/servers?wait=ready` may take, in milliseconds; 120,000 where not given. */
  readonly spawnWaitMs?: number;
  /** Whether /metrics tells of this process too: memory, CPU, event loop. Off where not given. */
  readonly processMetrics?: boolean;
  readonly logger?: FastifyBaseLogger;
  /** Folder of the web page that `/` shows; without one there is none. */
  readonly dashboardDir?: string;
  /** PEM texts to speak TLS with; plain HTTP where not given. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** The authority that others of the run are shown at `AUTHORITY_PATH`, with its seal. */
  readonly authority?: () => ShownAuthority;
  /** Asked for what the regions' authorities are sealed with. */
  readonly sharedSecret?: () => readonly string[];
}

export interface ApiDeps {
  readonly backend: ApiBackend;
  readonly tokens: Tokens;
  readonly clock: Clock;
  readonly options: ApiOptions;
  /** Where matches are shared with an Agones cluster. */
  readonly shift?: Shift | undefined;
  /** Kept by the caller where it shall outlive this API. */
  readonly audit?: AuditLog;
}

interface Machinery {
  readonly gatekeeper: Gatekeeper;
  readonly replies: Replies;
  readonly context: ApiContext;
  readonly store: IdempotencyStore;
  readonly deadlines: CallDeadlines;
}

/** The controller's HTTP API. It listens to nothing until `listen` is called on it. */
export function buildApi({ backend, tokens, clock, options, shift, audit = new AuditLog() }: ApiDeps): FastifyInstance {
  const replies = new Replies(clock, options.logger);
  const app = newFastify(backend, options, replies);
  const closing = new AbortController();
  // Each stream listens to it, and above ten Node would warn of a leak.
  setMaxListeners(0, closing.signal);
  const admission = new Admission(options.limits);
  const metrics = new Metrics({
    underWay: () => ({ ...admission.underWay() }),
    own: () => backend.metrics(),
    process: options.processMetrics ?? false,
  });
  const site = new SiteCheck(options);
  const crossOrigin = new CrossOrigin(options.origins ?? new Origins());
  const gatekeeper = new Gatekeeper({
    site,
    crossOrigin,
    admission,
    metrics,
    audit,
    auditLines: options.logger && new AuditLines(options.logger, clock),
    clock,
    credentials: { tokens, ticketSecrets: secretsOf(options.ticketSecret) },
    closing: closing.signal,
  });
  let contract: string | undefined;
  const context: ApiContext = {
    backend,
    tokens,
    clock,
    audit,
    metrics,
    shift,
    forwarder: new Forwarder(backend, options.sharedSecret === undefined ? {} : { shared: options.sharedSecret }),
    kubernetes: new RegionViews(backend, clock),
    spawnWaitMs: options.spawnWaitMs ?? 120_000,
    openApi: () => (contract ??= JSON.stringify(openApiOf(ROUTES, options.version))),
    ticketSecrets: secretsOf(options.ticketSecret),
    closing: closing.signal,
  };

  acceptJsonOnly(app, BODY_LIMIT_BYTES);
  app.decorateRequest("visit");
  app.setErrorHandler((error, request, reply) => replies.fail(error, request, reply));
  addDashboard(app, { site, crossOrigin, replies }, options);
  const store = new IdempotencyStore(clock);
  const deadlines = new CallDeadlines(clock);
  for (const definition of ROUTES) addRoute(app, definition, { gatekeeper, replies, context, store, deadlines });

  app.addHook("preClose", async () => closing.abort());
  app.addHook("onClose", async () => {
    deadlines.close();
    metrics.close();
    await context.forwarder.close();
  });
  app.server.maxConnections = MAX_CONNECTIONS;
  return app;
}

function secretsOf(secret: ApiOptions["ticketSecret"]): () => readonly string[] {
  return typeof secret === "string" ? () => [secret] : secret;
}

function newFastify({ controllerId }: ApiBackend, { tls }: ApiOptions, replies: Replies): FastifyInstance {
  let requests = 0;
  const common = {
    // What is worth a line is logged here. Fastify would make a logger for each call and listen to how its answer ends.
    logger: false,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: 30_000,
    keepAliveTimeout: 65_000,
    forceCloseConnections: true,
    return503OnClosing: false,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: SEALED_MOST },
    genReqId: ({ headers }) => {
      const given = headers["x-request-id"];
      return typeof given === "string" && /^[\x21-\x7e]{1,128}$/.test(given)
        ? given
        : `${controllerId}-${(requests += 1).toString(36)}`;
    },
    frameworkErrors: (error, request, reply) => replies.fail(error, request, reply),
    clientErrorHandler: refuseConnection,
  } satisfies FastifyServerOptions;
  if (tls === undefined) return Fastify({ ...common, http: HEADERS });
  // The same to all that use it: which server is below concerns nobody.
  return Fastify({ ...common, https: { ...HEADERS, ...tls, minVersion: "TLSv1.2" } });
}

function addRoute(
  app: FastifyInstance,
  definition: AnyRoute,
  { gatekeeper, replies, context, store, deadlines }: Machinery,
): void {
  const [method = "", url = ""] = definition.key.split(" ");
  app.route({
    method,
    url,
    exposeHeadRoute: definition.tag === "controller",
    onRequest: (request, reply, done) => {
      try {
        gatekeeper.enter(definition, request, reply);
        done();
      } catch (error) {
        done(toProblemError(error));
      }
    },
    handler: (request, reply) => {
      try {
        const answer = dispatch(definition, request, reply, request.visit.caller, context, store);
        if (answer instanceof Promise) sendLater(answer, request, reply, replies, deadlines, context);
        else replies.send(reply, answer);
      } catch (error) {
        replies.fail(error, request, reply);
      }
    },
  });
}

/** What is no call of the API is a page of the dashboard, what a browser asks before a call, what other programs of the run ask, or nothing. */
function addDashboard(
  app: FastifyInstance,
  { site, crossOrigin, replies }: Pick<Machinery, "replies"> & Pick<GatekeeperDeps, "site" | "crossOrigin">,
  { dashboardDir: folder, authority }: ApiOptions,
): void {
  let dashboard: Dashboard | undefined;
  app.addHook("onReady", async () => {
    if (folder !== undefined) dashboard = await Dashboard.read(folder);
  });
  app.setNotFoundHandler((request, reply) => {
    const { method, url, headers } = request;
    site.check(method, headers.host, headers.origin);
    const preflight = crossOrigin.preflight(method, pathOf(url), headers);
    if (preflight) return replies.send(reply, preflight);
    const page =
      method === "GET" || method === "HEAD" ? dashboard?.answer(pathOf(url), headers["if-none-match"]) : undefined;
    if (page) return replies.send(reply, page);
    if (method !== "GET" || authority === undefined || pathOf(url) !== AUTHORITY_PATH) throw unknownRoute(method, url);
    replies.send(reply, { status: 200, contentType: "application/json", body: JSON.stringify(authority()) });
  });
}

function sendLater(
  answer: Promise<Answer>,
  request: FastifyRequest,
  reply: FastifyReply,
  replies: Replies,
  deadlines: CallDeadlines,
  { spawnWaitMs }: ApiContext,
): void {
  const ms = CALL_MS + (request.visit.weight === "waiting" ? Math.max(LONGEST_POLL_MS, spawnWaitMs) : 0);
  const deadline = deadlines.add(ms, () =>
    replies.fail(
      new ProblemError("deadlineExceeded", `the controller had no answer within ${ms / 1000} s`),
      request,
      reply,
    ),
  );
  answer.then(
    (done) => {
      deadlines.drop(deadline);
      replies.send(reply, done);
    },
    (error: unknown) => {
      deadlines.drop(deadline);
      replies.fail(error, request, reply);
    },
  );
}

/** What Node's parser could not read as HTTP never reaches a route. */
function refuseConnection(error: Error, socket: Socket): void {
  if (!socket.writable) return;
  const problem = toProblemError(Object.assign(error, { statusCode: 400 })).toProblem();
  const body = JSON.stringify(problem);
  const head = `HTTP/1.1 ${problem.status} Bad Request\r\nconnection: close\r\ncontent-type: ${PROBLEM_TYPE}\r\n`;
  socket.end(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}
