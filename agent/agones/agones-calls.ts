import * as z from "zod";
import type { GateCall } from "../../protocol/gate-messages";
import type { Counted } from "../counts/count-book";
import type { CountedList, Counter } from "../../protocol/counts";
import type { GameServer } from "../game-server";
import type { SdkCallContext } from "../sdk-calls";
import type { SdkAnswer } from "../sdk-problem";
import { agonesGameServer } from "./agones-game-server";
import { annotationProblem, labelProblem, SDK_PREFIX } from "./agones-labels";
import { agonesFailure, CODE } from "./agones-status";

interface Method {
  readonly body: z.ZodType;
  readonly run: (server: GameServer, body: never, context: SdkCallContext) => SdkAnswer;
}

const EMPTY: SdkAnswer = { status: 200, body: {} };

const nothing = z.unknown();
const text = z.string().default("");
/** 64 bits wide on the wire; what a number cannot hold exactly is refused where it is used. */
const int64 = z.union([z.string(), z.number()]).default(0).transform(Number);
const wrapped = z
  .object({ value: int64 })
  .optional()
  .transform((of) => of?.value);
const pair = z.object({ key: text, value: text });
const named = z.object({ name: text });
const valued = z.object({ name: text, value: text });
const player = z.object({ playerID: text });

/** What each call of Agones' SDK does. Words of refusals and their codes are those of Agones' SDK server. */
const METHODS: Readonly<Record<string, Method>> = {
  "sdk.SDK/Ready": method(nothing, (server, _body, { repeated }) => {
    if (!server.stopping) server.ready(repeated);
    return EMPTY;
  }),
  "sdk.SDK/Allocate": method(nothing, (server) => {
    if (!server.stopping) server.selfAllocate();
    return EMPTY;
  }),
  "sdk.SDK/Reserve": method(z.object({ seconds: int64 }), (server, { seconds }, { nowMs }) => {
    if (!server.stopping) server.reserve(seconds > 0 ? nowMs + seconds * 1000 : undefined);
    return EMPTY;
  }),
  "sdk.SDK/Shutdown": method(nothing, (server) => {
    server.askForShutdown();
    return EMPTY;
  }),
  "sdk.SDK/Health": method(nothing, (server, _body, { nowMs }) => {
    const pulse = server.heartbeat?.beat(nowMs);
    if (pulse) server.health(pulse);
    return EMPTY;
  }),
  "sdk.SDK/GetGameServer": method(nothing, (server) => ok(agonesGameServer(server))),
  "sdk.SDK/SetLabel": method(pair, (server, { key, value }) => {
    const problem = labelProblem(server.labels, key, value);
    if (problem) return problem;
    server.relabel({ [`${SDK_PREFIX}${key}`]: value }, {});
    return EMPTY;
  }),
  "sdk.SDK/SetAnnotation": method(pair, (server, { key, value }) => {
    const problem = annotationProblem(server.annotations, key, value);
    if (problem) return problem;
    server.relabel({}, { [`${SDK_PREFIX}${key}`]: value });
    return EMPTY;
  }),
  "sdk.beta.SDK/GetCounter": method(named, ({ counts }, { name }) => counterAnswer(name, counts.counter(name))),
  "sdk.beta.SDK/UpdateCounter": method(
    z.object({
      counterUpdateRequest: z.object({ name: text, count: wrapped, capacity: wrapped, countDiff: int64 }).optional(),
    }),
    ({ counts }, { counterUpdateRequest: update }, { name: call }) => {
      if (!update) return unknown("invalid argument. CounterUpdateRequest: nil cannot be nil");
      const { name, count, capacity, countDiff: diff } = update;
      if (diff === 0 && count === undefined && capacity === undefined) {
        return unknown(`invalid argument. Malformed CounterUpdateRequest: name:${JSON.stringify(name)}`);
      }
      return counterAnswer(name, counts.updateCounter(name, { count, capacity, diff }, call));
    },
  ),
  "sdk.beta.SDK/GetList": method(named, ({ counts }, { name }) => listAnswer(name, counts.list(name))),
  "sdk.beta.SDK/UpdateList": method(
    z.object({
      list: z.object({ name: text, capacity: int64, values: z.array(z.string()).default([]) }).optional(),
      update_mask: z.object({ paths: z.array(z.string()).default([]) }).optional(),
    }),
    ({ counts }, { list, update_mask: mask }) => {
      if (!list || !mask) return unknown("invalid argument. List and UpdateMask cannot be nil");
      const strange = mask.paths.filter((path) => !["name", "capacity", "values"].includes(path));
      if (strange.length > 0) {
        const fields = "Use valid field name(s): name, capacity, values";
        return unknown(
          `invalid argument. Field Mask Path(s): [${mask.paths.join(" ")}] are invalid for List. ${fields}`,
        );
      }
      const { name, capacity, values } = list;
      // An empty mask means what is there (AIP-134): the official Node client sends it so.
      const means = (field: string, there: boolean): boolean =>
        mask.paths.length > 0 ? mask.paths.includes(field) : there;
      const change = {
        ...(means("capacity", capacity !== 0) ? { capacity } : {}),
        ...(means("values", values.length > 0) ? { values } : {}),
      };
      const updated = counts.updateList(name, change);
      // Only here Agones has other words for it.
      return isProblem(updated, "notFound") ? unknown(`not found. ${name} List not found`) : listAnswer(name, updated);
    },
  ),
  "sdk.beta.SDK/AddListValue": method(valued, ({ counts }, { name, value }, { repeated }) => {
    const added = counts.addValue(name, value);
    // The agent before this one may have done it, and not lived to say so.
    return listAnswer(name, repeated && isProblem(added, "alreadyExists") ? counts.list(name) : added);
  }),
  "sdk.beta.SDK/RemoveListValue": method(valued, ({ counts }, { name, value }, { repeated }) => {
    const removed = counts.removeValue(name, value);
    return listAnswer(name, repeated && isProblem(removed, "notFound") ? counts.list(name) : removed);
  }),
  "sdk.alpha.SDK/PlayerConnect": method(player, ({ counts }, { playerID }, { repeated }) => {
    const came = counts.playerConnect(playerID);
    if (!came.ok) return unknown(came.detail);
    return ok({ bool: came.value || repeated });
  }),
  "sdk.alpha.SDK/PlayerDisconnect": method(player, ({ counts }, { playerID }, { repeated }) =>
    ok({ bool: counts.playerDisconnect(playerID) || repeated }),
  ),
  "sdk.alpha.SDK/SetPlayerCapacity": method(z.object({ count: int64 }), ({ counts }, { count }) => {
    const set = counts.setPlayerCapacity(count);
    return set.ok ? EMPTY : unknown(set.detail);
  }),
  "sdk.alpha.SDK/GetPlayerCapacity": method(nothing, ({ counts }) => ok({ count: String(counts.players.capacity) })),
  "sdk.alpha.SDK/GetPlayerCount": method(nothing, ({ counts }) => ok({ count: String(counts.players.values.length) })),
  "sdk.alpha.SDK/IsPlayerConnected": method(player, ({ counts }, { playerID }) =>
    ok({ bool: counts.players.values.includes(playerID) }),
  ),
  "sdk.alpha.SDK/GetConnectedPlayers": method(nothing, ({ counts }) => ok({ list: counts.players.values })),
};

const PACKAGE = "/agones.dev.";

export function isAgonesCall({ path }: GateCall): boolean {
  return path.startsWith(PACKAGE);
}

/** Answers one call of a server that is known and not gone. */
export function agonesCall(server: GameServer, call: GateCall, context: Omit<SdkCallContext, "repeated">): SdkAnswer {
  const name = call.path.slice(PACKAGE.length);
  const known = Object.hasOwn(METHODS, name) ? METHODS[name] : undefined;
  if (!known) return agonesFailure(CODE.unimplemented, `unknown method ${call.path}`);
  const body = known.body.safeParse(call.body);
  if (!body.success) {
    const problems = body.error.issues.map(({ path, message }) => `${path.join(".") || "message"}: ${message}`);
    return agonesFailure(CODE.invalidArgument, problems.join("; "));
  }
  return known.run(server, body.data as never, { ...context, repeated: call.repeated === true });
}

function method<Body extends z.ZodType>(
  body: Body,
  run: (server: GameServer, body: z.output<Body>, context: SdkCallContext) => SdkAnswer,
): Method {
  return { body, run };
}

function ok(body: unknown): SdkAnswer {
  return { status: 200, body };
}

/** Agones' SDK server answers most refusals with this code, whatever their kind. */
function unknown(detail: string): SdkAnswer {
  return agonesFailure(CODE.unknown, detail);
}

function isProblem(counted: Counted<unknown>, problem: string): boolean {
  return !counted.ok && counted.problem === problem;
}

function counterAnswer(name: string, counted: Counted<Counter>): SdkAnswer {
  if (!counted.ok) return unknown(counted.detail);
  const { count, capacity } = counted.value;
  return ok({ name, count: String(count), capacity: String(capacity) });
}

function listAnswer(name: string, counted: Counted<CountedList>): SdkAnswer {
  if (!counted.ok) return unknown(counted.detail);
  const { capacity, values } = counted.value;
  return ok({ name, capacity: String(capacity), values });
}
