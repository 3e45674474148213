import type { AuditEntry } from "../../audit-log";
import type { ApiContext } from "../api-context";
import { mergedList } from "../merged-list";
import { type AnyRoute, route } from "../route";
import { type AuditItem, auditEntrySchema, auditQuery } from "../schemas/audit";
import { listOf } from "../schemas/common";
import { regionOfQuery } from "./located";

export const auditRoutes: readonly AnyRoute[] = [
  route({
    key: "GET /v1/audit",
    tag: "audit",
    summary: "Who did what, newest first; the last thousand of each action since the controller started",
    query: auditQuery,
    responses: { 200: { description: "A page of the audit log", schema: listOf(auditEntrySchema) } },
    region: regionOfQuery,
    handle(call, api) {
      const { action } = call.query;
      const local = () =>
        api.audit
          .list()
          .filter((entry) => action === undefined || entry.action === action)
          .map((entry) => item(entry, api));
      return mergedList(call, api, { local, keyOf: newestFirst });
    },
  }),
];

function item({ atMs, code, ...entry }: AuditEntry, { backend }: ApiContext): AuditItem {
  return { ...entry, at: new Date(atMs).toISOString(), code: code ?? null, region: backend.region };
}

/** Lists are in ascending order of their keys; times are counted down to turn that round. */
function newestFirst({ at, region, seq }: AuditItem): string {
  const fixed = (value: number): string => (Number.MAX_SAFE_INTEGER - value).toString().padStart(16, "0");
  return `${fixed(Date.parse(at))} ${region} ${fixed(seq)}`;
}
