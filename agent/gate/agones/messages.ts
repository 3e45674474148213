import type { INamespace, IType } from "protobufjs/light";

/**
 * The messages of Agones' SDK (packages `agones.dev.sdk`, `.beta`, `.alpha`): names, numbers and types as its clients put
 * them on the wire. What is not on the wire (HTTP annotations, comments, options) is not here; the paths of the REST
 * calls are in `rest-routes.ts`.
 */

/** By name: type and number, `[]` behind the type for a list, `string>TYPE` for a map. */
type Fields = Readonly<Record<string, readonly [type: string, id: number]>>;

function message(fields: Fields, nested?: Readonly<Record<string, IType>>): IType {
  const entries = Object.entries(fields).map(([name, [type, id]]): [string, IType["fields"][string]] => {
    if (type.endsWith("[]")) return [name, { rule: "repeated", type: type.slice(0, -2), id }];
    if (type.startsWith("string>")) return [name, { keyType: "string", type: type.slice(7), id } as never];
    return [name, { type, id }];
  });
  return { fields: Object.fromEntries(entries), ...(nested ? { nested: { ...nested } } : {}) };
}

const EMPTY = message({});

const META = message({
  name: ["string", 1],
  namespace: ["string", 2],
  uid: ["string", 3],
  resource_version: ["string", 4],
  generation: ["int64", 5],
  creation_timestamp: ["int64", 6],
  deletion_timestamp: ["int64", 7],
  annotations: ["string>string", 8],
  labels: ["string>string", 9],
});

const HEALTH = message({
  disabled: ["bool", 1],
  period_seconds: ["int32", 2],
  failure_threshold: ["int32", 3],
  initial_delay_seconds: ["int32", 4],
});

const STATUS = message(
  {
    state: ["string", 1],
    address: ["string", 2],
    ports: ["Port[]", 3],
    players: ["PlayerStatus", 4],
    counters: ["string>CounterStatus", 5],
    lists: ["string>ListStatus", 6],
    addresses: ["Address[]", 7],
  },
  {
    Address: message({ type: ["string", 1], address: ["string", 2] }),
    Port: message({ name: ["string", 1], port: ["int32", 2] }),
    PlayerStatus: message({ count: ["int64", 1], capacity: ["int64", 2], ids: ["string[]", 3] }),
    CounterStatus: message({ count: ["int64", 1], capacity: ["int64", 2] }),
    ListStatus: message({ capacity: ["int64", 1], values: ["string[]", 2] }),
  },
);

const STABLE = {
  Empty: EMPTY,
  KeyValue: message({ key: ["string", 1], value: ["string", 2] }),
  Duration: message({ seconds: ["int64", 1] }),
  GameServer: message(
    { object_meta: ["ObjectMeta", 1], spec: ["Spec", 2], status: ["Status", 3] },
    { ObjectMeta: META, Spec: message({ health: ["Health", 1] }, { Health: HEALTH }), Status: STATUS },
  ),
};

const BETA = {
  Counter: message({ name: ["string", 1], count: ["int64", 2], capacity: ["int64", 3] }),
  CounterUpdateRequest: message({
    name: ["string", 1],
    count: ["google.protobuf.Int64Value", 2],
    capacity: ["google.protobuf.Int64Value", 3],
    countDiff: ["int64", 4],
  }),
  GetCounterRequest: message({ name: ["string", 1] }),
  UpdateCounterRequest: message({ counterUpdateRequest: ["CounterUpdateRequest", 1] }),
  List: message({ name: ["string", 1], capacity: ["int64", 2], values: ["string[]", 3] }),
  GetListRequest: message({ name: ["string", 1] }),
  UpdateListRequest: message({ list: ["List", 1], update_mask: ["google.protobuf.FieldMask", 2] }),
  AddListValueRequest: message({ name: ["string", 1], value: ["string", 2] }),
  RemoveListValueRequest: message({ name: ["string", 1], value: ["string", 2] }),
};

const ALPHA = {
  Empty: EMPTY,
  Count: message({ count: ["int64", 1] }),
  Bool: message({ bool: ["bool", 1] }),
  PlayerID: message({ playerID: ["string", 1] }),
  PlayerIDList: message({ list: ["string[]", 1] }),
};

const GOOGLE = {
  Int64Value: message({ value: ["int64", 1] }),
  FieldMask: message({ paths: ["string[]", 1] }),
};

function packages(nested: Readonly<Record<string, IType | INamespace>>): INamespace {
  return { nested: { ...nested } };
}

export const AGONES_MESSAGES: INamespace = packages({
  google: packages({ protobuf: packages(GOOGLE) }),
  agones: packages({
    dev: packages({ sdk: packages({ ...STABLE, beta: packages(BETA), alpha: packages(ALPHA) }) }),
  }),
});

/** Each call: what it takes and gives, within its package; `stream` where a side sends many. */
export interface AgonesMethod {
  /** `/PACKAGE.SDK/NAME`, as gRPC names it, and as gate and agent name it to each other. */
  readonly path: string;
  readonly request: string;
  readonly response: string;
  readonly streams?: "request" | "response";
}

function service(packageName: string, methods: Readonly<Record<string, readonly [string, string]>>): AgonesMethod[] {
  return Object.entries(methods).map(([name, [request, response]]) => ({
    path: `/${packageName}.SDK/${name}`,
    request: `${packageName}.${request}`,
    response: `${packageName}.${response}`,
    ...(name === "Health" ? { streams: "request" as const } : {}),
    ...(name === "WatchGameServer" ? { streams: "response" as const } : {}),
  }));
}

export const AGONES_METHODS: readonly AgonesMethod[] = [
  ...service("agones.dev.sdk", {
    Ready: ["Empty", "Empty"],
    Allocate: ["Empty", "Empty"],
    Shutdown: ["Empty", "Empty"],
    Health: ["Empty", "Empty"],
    GetGameServer: ["Empty", "GameServer"],
    WatchGameServer: ["Empty", "GameServer"],
    SetLabel: ["KeyValue", "Empty"],
    SetAnnotation: ["KeyValue", "Empty"],
    Reserve: ["Duration", "Empty"],
  }),
  ...service("agones.dev.sdk.beta", {
    GetCounter: ["GetCounterRequest", "Counter"],
    UpdateCounter: ["UpdateCounterRequest", "Counter"],
    GetList: ["GetListRequest", "List"],
    UpdateList: ["UpdateListRequest", "List"],
    AddListValue: ["AddListValueRequest", "List"],
    RemoveListValue: ["RemoveListValueRequest", "List"],
  }),
  ...service("agones.dev.sdk.alpha", {
    PlayerConnect: ["PlayerID", "Bool"],
    PlayerDisconnect: ["PlayerID", "Bool"],
    SetPlayerCapacity: ["Count", "Empty"],
    GetPlayerCapacity: ["Empty", "Count"],
    GetPlayerCount: ["Empty", "Count"],
    IsPlayerConnected: ["PlayerID", "Bool"],
    GetConnectedPlayers: ["Empty", "PlayerIDList"],
  }),
];
