import { type AuditEntry, AuditLog } from "./audit-log";

function entry(action: string, status = 200): Omit<AuditEntry, "seq"> {
  return { atMs: 1, sub: "ann", role: "operator", action, path: "/v1/x", status, code: undefined, requestId: "r" };
}

describe("the audit log", () => {
  it("lists the newest first", () => {
    const log = new AuditLog();
    log.record(entry("a"));
    log.record(entry("b"));
    expect(log.list().map(({ seq, action }) => [seq, action])).toEqual([
      [2, "b"],
      [1, "a"],
    ]);
  });

  it("keeps what is rare however much of something else happens", () => {
    const log = new AuditLog(3);
    log.record(entry("server.terminate"));
    for (let n = 0; n < 10; n += 1) log.record(entry("session.create"));
    const kept = log.list().map(({ seq }) => seq);
    expect(kept).toEqual([11, 10, 9, 1]);
  });

  it("does not let refused calls push out those that were made", () => {
    const log = new AuditLog(2);
    log.record(entry("server.terminate"));
    for (let n = 0; n < 5; n += 1) log.record(entry("server.terminate", 403));
    expect(log.list().map(({ status }) => status)).toEqual([403, 403, 200]);
  });
});
