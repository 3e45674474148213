import * as z from "zod";

/** What messages are made of, as checks. */

export const id = z.string().min(1).max(256);
export const text = z.string();
export const count = z.int().nonnegative();
/** Milliseconds since 1970, or of a span; fractions come from some clocks. */
export const ms = z.number().nonnegative();
export const amount = z.number();
export const port = z.int().min(0).max(65535);
export const strings = z.record(z.string(), z.string());
export const changes = z.record(z.string(), z.string().nullable());

const counter = z.object({ count, capacity: count });
export const counters = z.record(z.string(), counter);
export const list = z.object({ capacity: count, values: z.array(text) });
export const lists = z.record(z.string(), list);

/** Which server is meant. */
export const onServer = { serverId: id, allocationId: id };
