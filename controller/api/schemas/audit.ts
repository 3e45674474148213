import { z } from "zod";
import { AUDIT_ACTIONS } from "../../audit-log";
import { pageQuery, regionQuery, timeSchema } from "./common";

export const auditEntrySchema = z
  .strictObject({
    seq: z.number(),
    at: timeSchema,
    region: z.string(),
    sub: z.string(),
    role: z.string(),
    action: z.string(),
    path: z.string(),
    status: z.number(),
    code: z.string().nullable().describe("The problem's code where it was refused or failed"),
    requestId: z.string(),
  })
  .meta({ id: "AuditEntry" });
export type AuditItem = z.output<typeof auditEntrySchema>;

export const auditQuery = z.strictObject({
  ...regionQuery,
  action: z.enum(AUDIT_ACTIONS).exactOptional(),
  ...pageQuery,
});
