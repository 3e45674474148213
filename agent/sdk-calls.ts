import * as z from "zod";
import type { GateCall } from "../protocol/gate-messages";
import { annotationValue, labelKey, labelValue, MAX_LABELS } from "../protocol/labels";
import type { GameServer } from "./game-server";
import { MAX_PLAYER_STATE_BYTES, MAX_SERVER_STATE_BYTES } from "./saved-states";
import { admit } from "./admission";
import { sdkProblem, type SdkAnswer } from "./sdk-problem";
import { serverDescription, seatedPlayers } from "./server-description";

/** What a call may know besides its server. */
export interface SdkCallContext {
  readonly nowMs: number;
  readonly ticketSecrets: readonly string[];
  /** The gate has sent this call before, to an agent that did not answer. */
  readonly repeated: boolean;
  /** The call's own for good, also where it is sent again; undefined where its gate is of an earlier version. */
  readonly name: string | undefined;
}

interface Route {
  readonly body: z.ZodType;
  /** Decides and changes; the answer is given once what it changed is in the journal. */
  readonly run: (server: GameServer, body: never, context: SdkCallContext) => SdkAnswer;
}

const nothing = z.unknown();
const number = z.number().nonnegative();

const DONE: SdkAnswer = { status: 200, body: {} };

/** The SDK over REST: each call that a game server can make. */
const ROUTES: Readonly<Record<string, Route>> = {
  "POST /v1/ready": route(nothing, (server, _body, { repeated, nowMs }) => {
    server.heartbeat?.beat(nowMs);
    server.ready(repeated);
    return DONE;
  }),
  "POST /v1/health": route(nothing, (server, _body, { nowMs }) => {
    const pulse = server.heartbeat?.beat(nowMs);
    if (pulse) server.health(pulse);
    return DONE;
  }),
  "POST /v1/shutdown": route(nothing, (server) => {
    server.askForShutdown();
    return DONE;
  }),
  "POST /v1/reserve": route(z.object({ seconds: number }), (server, { seconds }, { nowMs }) => {
    server.reserve(seconds === 0 ? undefined : nowMs + seconds * 1000);
    return DONE;
  }),
  "GET /v1/gameserver": route(nothing, (server, _body, { nowMs }) => ok(serverDescription(server, nowMs))),
  "POST /v1/players/join": route(
    z.object({ ticket: z.string(), rejoin: z.boolean().optional() }),
    (server, body, context) => admit(server, body.ticket, body.rejoin === true || context.repeated, context),
  ),
  "POST /v1/players/leave": route(z.object({ playerId: z.string() }), (server, { playerId }) => {
    server.seats.leave(playerId);
    return DONE;
  }),
  "GET /v1/players": route(nothing, (server) => ok({ players: seatedPlayers(server) })),
  "POST /v1/snapshot": route(
    z.object({
      server: z.string().optional(),
      players: z.record(z.string(), z.string()).optional(),
      takenAt: z.iso.datetime({ offset: true }).optional(),
    }),
    (server, { takenAt, ...body }) =>
      save(
        server,
        body.server,
        Object.entries(body.players ?? {}),
        takenAt === undefined ? undefined : Date.parse(takenAt),
      ),
  ),
  "POST /v1/stats": route(
    z.object({ responseMs: number.optional(), errorRate: number.optional(), players: number.optional() }),
    (server, { responseMs, errorRate }) => {
      server.measured({
        ...(responseMs === undefined ? {} : { responseMs }),
        ...(errorRate === undefined ? {} : { errorRate }),
      });
      return DONE;
    },
  ),
  "PUT /v1/labels": route(changes(labelValue), (server, labels) => relabel(server, labels, {})),
  "PUT /v1/annotations": route(changes(annotationValue), (server, annotations) => relabel(server, {}, annotations)),
};

/** Answers one call of a server that is known and not gone. */
export function sdkCall(server: GameServer, call: GateCall, context: Omit<SdkCallContext, "repeated">): SdkAnswer {
  const known = ROUTES[`${call.method} ${call.path}`];
  if (!known) {
    return sdkProblem(
      "unknownCall",
      `${call.method} ${call.path} is none of ${Object.keys(ROUTES).join(", ")}, GET /v1/watch`,
    );
  }
  const body = known.body.safeParse(call.body);
  if (!body.success) {
    const problems = body.error.issues.map(({ path, message }) => `${path.join(".") || "body"}: ${message}`);
    return sdkProblem("malformed", problems.join("; "));
  }
  return known.run(server, body.data as never, { ...context, repeated: call.repeated === true });
}

/** As the API checks them; but what is there already, as from an earlier version, can always be taken off by null. */
function changes(value: z.ZodString): z.ZodType<Readonly<Record<string, string | null>>> {
  return z.record(z.string(), value.nullable()).superRefine((all, context) => {
    for (const [key, changed] of Object.entries(all)) {
      const wrong = changed === null ? undefined : labelKey.safeParse(key).error?.issues[0];
      if (wrong) context.addIssue({ code: "custom", path: [], message: `the key ${shown(key)}: ${wrong.message}` });
    }
  });
}

function shown(key: string): string {
  return JSON.stringify(key.length > 80 ? `${key.slice(0, 80)}…` : key);
}

function route<Body extends z.ZodType>(
  body: Body,
  run: (server: GameServer, body: z.output<Body>, context: SdkCallContext) => SdkAnswer,
): Route {
  return { body, run };
}

function ok(body: unknown): SdkAnswer {
  return { status: 200, body };
}

function relabel(
  server: GameServer,
  labels: Readonly<Record<string, string | null>>,
  annotations: Readonly<Record<string, string | null>>,
): SdkAnswer {
  for (const all of [
    { ...server.labels, ...labels },
    { ...server.annotations, ...annotations },
  ]) {
    const kept = Object.values(all).filter((value) => value !== null).length;
    if (kept > MAX_LABELS)
      return sdkProblem("malformed", `a server has at most ${MAX_LABELS} of each, this would be ${kept}`);
  }
  server.relabel(labels, annotations);
  return DONE;
}

/** All of it or nothing. States of players who have just left are left out: nobody will ask for them. */
function save(
  server: GameServer,
  state: string | undefined,
  players: readonly (readonly [string, string])[],
  takenAtMs: number | undefined,
): SdkAnswer {
  for (const [playerId, data] of players) {
    const bytes = Buffer.byteLength(data);
    if (bytes > MAX_PLAYER_STATE_BYTES) return tooLarge(`of player ${playerId}`, bytes, MAX_PLAYER_STATE_BYTES);
  }
  if (state !== undefined) {
    const bytes = Buffer.byteLength(state);
    if (bytes > MAX_SERVER_STATE_BYTES) return tooLarge("of the server", bytes, MAX_SERVER_STATE_BYTES);
    server.save(undefined, state, takenAtMs);
  }
  const seated = new Set([...server.book.state.seats.values()].map((seat) => seat.playerId));
  for (const [playerId, data] of players) if (seated.has(playerId)) server.save(playerId, data, takenAtMs);
  return DONE;
}

function tooLarge(whose: string, bytes: number, limit: number): SdkAnswer {
  return sdkProblem("snapshotTooLarge", `the state ${whose} is ${bytes} bytes, the limit is ${limit}: save less`);
}
