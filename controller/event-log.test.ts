import fc from "fast-check";
import type { StoredEvent } from "./api/backend";
import type { ForgeEvent } from "./core/resources";
import { EventLog } from "./event-log";

function event(name: string): ForgeEvent {
  return {
    type: "server.ready",
    region: "eu",
    at: "2025-01-01T00:00:00.000Z",
    reason: name,
    serverId: name,
    experienceId: "arena",
  };
}
const names = (events: readonly StoredEvent[]): string[] => events.map((stored) => stored.event.reason);

describe("the event log", () => {
  it("numbers events by epoch and in order", () => {
    const log = new EventLog({ epoch: 3 });
    expect([log.append(event("a")).id, log.append(event("b")).id]).toEqual(["3-1", "3-2"]);
    log.setEpoch(4);
    expect(log.append(event("c")).id).toBe("4-3");
  });

  it("gives nothing but its end to a reader who asks for nothing", () => {
    const log = new EventLog({ epoch: 1 });
    log.append(event("a"));
    expect(log.since(undefined)).toEqual({ reset: false, events: [], lastId: "1-1" });
  });

  it("goes on across a change of epoch", () => {
    const log = new EventLog({ epoch: 1 });
    log.append(event("a"));
    log.setEpoch(2);
    log.append(event("b"));
    const { reset, events, lastId } = log.since("1-1");
    expect({ reset, names: names(events), lastId }).toEqual({ reset: false, names: ["b"], lastId: "2-2" });
  });

  it.each(["1-1", "0-4", "2-4", "1-6", "-1--1", "1", "noise", "1-1e3", "1-99999999999999999999"])(
    "resets a reader who comes with %p",
    (lastId) => {
      const log = new EventLog({ epoch: 1, capacity: 3 });
      for (const name of ["a", "b", "c", "d", "e"]) log.append(event(name));
      expect(log.since(lastId)).toEqual({ reset: true, events: [], lastId: "1-5" });
    },
  );

  it("knows the place before its first event, also where the epoch was learnt late", () => {
    const log = new EventLog({ epoch: 0 });
    log.setEpoch(5);
    const { lastId } = log.since(undefined);
    log.append(event("a"));
    expect(names(log.since(lastId).events)).toEqual(["a"]);
  });

  it("tells subscribers until they leave, and one that throws harms no other", () => {
    const errors: unknown[] = [];
    const log = new EventLog({ epoch: 1, onListenerError: (error) => errors.push(error) });
    const heard: string[] = [];
    const broken = new Error("broken listener");
    log.subscribe(() => {
      throw broken;
    });
    const leave = log.subscribe((stored) => heard.push(stored.id));
    log.append(event("a"));
    leave();
    log.append(event("b"));
    expect(heard).toEqual(["1-1"]);
    expect(errors).toEqual([broken, broken]);
  });

  it("gives every reader exactly what came after their id, or says that it cannot", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.constantFrom("append", "epoch"), { maxLength: 40 }),
        (capacity, steps) => {
          const log = new EventLog({ epoch: 1, capacity });
          let epoch = 1;
          const ids = [log.since(undefined).lastId];
          for (const step of steps) {
            if (step === "append") ids.push(log.append(event(`after ${ids.at(-1)}`)).id);
            else log.setEpoch((epoch += 1));
          }
          // A new epoch before the first event moves the beginning.
          ids[0] = ids.length === 1 ? log.since(undefined).lastId : (ids[0] ?? "");
          ids.forEach((id, index) => {
            const { reset, events } = log.since(id);
            const held = index >= ids.length - 1 - capacity;
            if (index > 0 || epoch === 1) expect(reset).toBe(!held);
            if (!reset) expect(events.map((stored) => stored.id)).toEqual(ids.slice(index + 1));
          });
        },
      ),
    );
  });
});
