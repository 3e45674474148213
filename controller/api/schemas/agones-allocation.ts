import { z } from "zod";
import type { AllocationResponse } from "../../agones/allocation-wire";
import { nameSchema } from "./common";
import type { Same } from "./same";

const text = z.record(z.string(), z.string());

/** Agones' `AllocationResponse`. */
export const allocationResponseSchema = z
  .strictObject({
    gameServerName: z.string(),
    ports: z.array(z.strictObject({ name: z.string(), port: z.number() })),
    address: z.string(),
    addresses: z.array(z.strictObject({ type: z.string(), address: z.string() })),
    nodeName: z.string(),
    source: z.string().describe("local, or the address of the region that it came from"),
    metadata: z.strictObject({ labels: text, annotations: text }).nullable(),
    counters: z.record(z.string(), z.strictObject({ count: z.string(), capacity: z.string() })),
    lists: z.record(z.string(), z.strictObject({ values: z.array(z.string()), capacity: z.string() })),
  })
  .meta({ id: "AllocationResponse" });
true satisfies Same<z.output<typeof allocationResponseSchema>, AllocationResponse>;

export const agonesAllocateBody = z
  .strictObject({
    region: nameSchema.exactOptional(),
    spec: z.record(z.string(), z.unknown()).describe("`spec` of an Agones GameServerAllocation"),
  })
  .meta({ id: "GameServerAllocation" });
