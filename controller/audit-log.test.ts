import { VirtualClock } from "../protocol/virtual-clock";
import { ROUTES } from "./api/routes";
import { AuditLines } from "./audit-lines";
import { AUDIT_ACTIONS, type AuditAction, type AuditEntry, AuditLog } from "./audit-log";

function entry(action: AuditAction, status = 200): Omit<AuditEntry, "seq"> {
  return { atMs: 1, sub: "ann", role: "operator", action, path: "/v1/x", status, code: undefined, requestId: "r" };
}

describe("the audit log", () => {
  it("lists the newest first", () => {
    const log = new AuditLog();
    log.record(entry("fleet.set"));
    log.record(entry("token.mint"));
    expect(log.list().map(({ seq, action }) => [seq, action])).toEqual([
      [2, "token.mint"],
      [1, "fleet.set"],
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

it("knows the actions of all routes, and no others", () => {
  expect([...new Set(ROUTES.flatMap(({ action }) => action ?? []))].sort()).toEqual(AUDIT_ACTIONS);
});

describe("the program's log", () => {
  let clock: VirtualClock;
  let log: AuditLog;
  let lines: AuditLines;
  let written: Readonly<Record<string, unknown>>[];
  beforeEach(() => {
    clock = new VirtualClock();
    log = new AuditLog();
    written = [];
    lines = new AuditLines({ info: (fields, message) => void written.push({ ...fields, message }) }, clock);
  });
  const happens = (action: AuditAction, status?: number): void => lines.write(log.record(entry(action, status)));

  it("has a line of each entry", () => {
    happens("server.terminate", 202);
    expect(written).toEqual([
      {
        event: "audit",
        seq: 1,
        sub: "ann",
        role: "operator",
        action: "server.terminate",
        path: "/v1/x",
        status: 202,
        code: undefined,
        requestId: "r",
        message: 'audit: server.terminate by operator "ann": 202',
      },
    ]);
  });

  it("has none of what places players: those would push out all others", () => {
    for (const action of AUDIT_ACTIONS) happens(action);
    expect(written.map(({ action }) => action)).toEqual([
      "fleet.set",
      "region.drain",
      "region.undrain",
      "server.label",
      "server.spawn",
      "server.terminate",
      "shift.act",
      "shift.plan",
      "token.mint",
    ]);
  });

  it("is not filled by whoever is refused, and says how many it left out", () => {
    for (let n = 0; n < 100; n += 1) happens("server.terminate", 403);
    happens("server.terminate");
    expect(written.map(({ status }) => status)).toEqual([...Array.from({ length: 10 }, () => 403), 200]);
    clock.advance(1000);
    happens("server.terminate", 403);
    happens("server.terminate", 403);
    expect(written.slice(-2).map(({ leftOut }) => leftOut)).toEqual([90, undefined]);
  });
});
