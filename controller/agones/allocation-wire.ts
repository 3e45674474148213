import protobuf from "protobufjs/light";
import { fromJson } from "protobufjs/ext/protojson";

/**
 * The messages of Agones' `allocation.AllocationService`, with its names and field numbers
 * (`proto/allocation/allocation.proto`), and how they are written: protobuf, and JSON as its REST gateway has it.
 */

const int64Value = "google.protobuf.Int64Value";
const field = (type: string, id: number): protobuf.IField => ({ type, id });
const many = (type: string, id: number): protobuf.IField => ({ type, id, rule: "repeated" });
const byName = (type: string, id: number): protobuf.IMapField => ({ keyType: "string", type, id });

const MESSAGES: Readonly<Record<string, protobuf.AnyNestedObject>> = {
  AllocationRequest: {
    fields: {
      namespace: field("string", 1),
      multiClusterSetting: field("MultiClusterSetting", 2),
      requiredGameServerSelector: field("GameServerSelector", 3),
      preferredGameServerSelectors: many("GameServerSelector", 4),
      scheduling: field("SchedulingStrategy", 5),
      metaPatch: field("MetaPatch", 6),
      metadata: field("MetaPatch", 7),
      gameServerSelectors: many("GameServerSelector", 8),
      priorities: many("Priority", 9),
      counters: byName("CounterAction", 10),
      lists: byName("ListAction", 11),
    },
    nested: { SchedulingStrategy: { values: { Packed: 0, Distributed: 1 } } },
  },
  AllocationResponse: {
    oneofs: { _metadata: { oneof: ["metadata"] } },
    fields: {
      gameServerName: field("string", 2),
      ports: many("GameServerStatusPort", 3),
      address: field("string", 4),
      nodeName: field("string", 5),
      source: field("string", 6),
      metadata: { ...field("GameServerMetadata", 7), options: { proto3_optional: true } },
      addresses: many("GameServerStatusAddress", 8),
      counters: byName("CounterStatus", 9),
      lists: byName("ListStatus", 10),
    },
    nested: {
      GameServerStatusPort: { fields: { name: field("string", 1), port: field("int32", 2) } },
      GameServerStatusAddress: { fields: { type: field("string", 1), address: field("string", 2) } },
      GameServerMetadata: { fields: { labels: byName("string", 1), annotations: byName("string", 2) } },
      CounterStatus: { fields: { count: field(int64Value, 1), capacity: field(int64Value, 2) } },
      ListStatus: { fields: { values: many("string", 1), capacity: field(int64Value, 2) } },
    },
  },
  MultiClusterSetting: { fields: { enabled: field("bool", 1), policySelector: field("LabelSelector", 2) } },
  MetaPatch: { fields: { labels: byName("string", 1), annotations: byName("string", 2) } },
  LabelSelector: { fields: { matchLabels: byName("string", 1) } },
  GameServerSelector: {
    fields: {
      matchLabels: byName("string", 1),
      gameServerState: field("GameServerState", 2),
      players: field("PlayerSelector", 3),
      counters: byName("CounterSelector", 4),
      lists: byName("ListSelector", 5),
    },
    nested: { GameServerState: { values: { READY: 0, ALLOCATED: 1 } } },
  },
  PlayerSelector: { fields: { minAvailable: field("uint64", 1), maxAvailable: field("uint64", 2) } },
  CounterSelector: {
    fields: {
      minCount: field("int64", 1),
      maxCount: field("int64", 2),
      minAvailable: field("int64", 3),
      maxAvailable: field("int64", 4),
    },
  },
  ListSelector: {
    fields: { containsValue: field("string", 1), minAvailable: field("int64", 2), maxAvailable: field("int64", 3) },
  },
  Priority: {
    fields: { type: field("Type", 1), key: field("string", 2), order: field("Order", 3) },
    nested: { Type: { values: { Counter: 0, List: 1 } }, Order: { values: { Ascending: 0, Descending: 1 } } },
  },
  CounterAction: {
    fields: {
      action: field("google.protobuf.StringValue", 1),
      amount: field(int64Value, 2),
      capacity: field(int64Value, 3),
    },
  },
  ListAction: {
    fields: { addValues: many("string", 1), capacity: field(int64Value, 2), deleteValues: many("string", 3) },
  },
};

/** Their files name no edition: without one, protobufjs takes them for proto2. */
const PROTO3 = { edition: "proto3" };

const root = protobuf.Root.fromJSON({
  nested: {
    allocation: { ...PROTO3, nested: MESSAGES },
    google: {
      nested: {
        protobuf: {
          ...PROTO3,
          nested: {
            Int64Value: { fields: { value: field("int64", 1) } },
            StringValue: { fields: { value: field("string", 1) } },
          },
        },
      },
    },
  },
});
root.resolveAll();

export const requestType = root.lookupType("allocation.AllocationRequest");
export const responseType = root.lookupType("allocation.AllocationResponse");

/** An `AllocationRequest` as plain values: what was not given has its zero or null, 64-bit integers are text, enumerations their names. */
export type PlainRequest = Readonly<Record<string, unknown>>;

/** @throws {Error} where the bytes are no such message */
export function decodeRequest(bytes: Uint8Array): PlainRequest {
  return plain(requestType.decode(bytes));
}

/**
 * The same of JSON as the REST gateway takes it: 64-bit integers as text or numbers, fields that we do not know skipped.
 * @throws {Error} where a value is not what its field takes
 */
export function requestOfJson(json: unknown): PlainRequest {
  return plain(fromJson(requestType, json, { ignoreUnknownFields: true }));
}

function plain(message: protobuf.Message): PlainRequest {
  return requestType.toObject(message, { longs: String, enums: String, defaults: true });
}

/** An `AllocationResponse` as JSON has it; here in the order of its fields. */
export interface AllocationResponse {
  readonly gameServerName: string;
  readonly ports: readonly { readonly name: string; readonly port: number }[];
  readonly address: string;
  readonly addresses: readonly { readonly type: string; readonly address: string }[];
  readonly nodeName: string;
  readonly source: string;
  readonly metadata: {
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  } | null;
  /** 64-bit integers are text, as JSON of protobuf has them. */
  readonly counters: Readonly<Record<string, { readonly count: string; readonly capacity: string }>>;
  readonly lists: Readonly<Record<string, { readonly values: readonly string[]; readonly capacity: string }>>;
}

/** Wrapped numbers by hand: JSON's mapping, which would do it, costs three times as much for each answer. */
export function encodeResponse({ counters, lists, ...response }: AllocationResponse): Uint8Array {
  const message = responseType.fromObject({
    ...response,
    counters: mapped(counters, ({ count, capacity }) => ({ count: { value: count }, capacity: { value: capacity } })),
    lists: mapped(lists, ({ values, capacity }) => ({ values, capacity: { value: capacity } })),
  });
  return responseType.encode(message).finish();
}

function mapped<From, To>(table: Readonly<Record<string, From>>, to: (from: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(table).map(([name, value]) => [name, to(value)]));
}
