import { Root, type Type } from "protobufjs/light";
import { fromJson } from "protobufjs/ext/protojson";
import { AGONES_MESSAGES } from "./messages";

/**
 * A message as gate and agent tell it to each other: names as in the protocol, 64-bit numbers as strings, what a client
 * did not send left out. Answers have every field, because that is what Agones' REST gives.
 */
export type AgonesBody = Readonly<Record<string, unknown>>;

const root = Root.fromJSON(AGONES_MESSAGES);
root.resolveAll();

/** @throws {Error} where the bytes are no such message */
export function decodeMessage(type: string, bytes: Uint8Array): AgonesBody {
  return plain(root.lookupType(type), root.lookupType(type).decode(bytes));
}

/** @throws {Error} where a field cannot hold its value */
export function encodeMessage(type: string, body: unknown): Buffer {
  const known = root.lookupType(type);
  return Buffer.from(known.encode(known.fromObject((body ?? {}) as Record<string, unknown>)).finish());
}

/**
 * Reads what a REST call brought, by the JSON mapping of protobuf: numbers also as strings, names in either spelling,
 * unknown ones ignored.
 * @throws {Error} that names the field
 */
export function readJson(type: string, json: unknown): AgonesBody {
  const known = root.lookupType(type);
  return plain(known, fromJson(known, json, { ignoreUnknownFields: true }));
}

function plain(type: Type, message: Parameters<Type["toObject"]>[0]): AgonesBody {
  return type.toObject(message, { longs: String, arrays: true });
}
