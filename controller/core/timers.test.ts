import * as fc from "fast-check";
import { Timers } from "./timers";

it("fires what is due, earliest first and in the order it was set", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), fc.nat(20), (times, nowMs) => {
      const timers = new Timers();
      const fired: { readonly atMs: number; readonly order: number }[] = [];
      times.forEach((atMs, order) => timers.at(atMs, () => fired.push({ atMs, order })));
      timers.fireDue(nowMs);
      const due = times.map((atMs, order) => ({ atMs, order })).filter(({ atMs }) => atMs <= nowMs);
      expect(fired).toEqual(due.sort((a, b) => a.atMs - b.atMs || a.order - b.order));
      expect(timers.size).toBe(times.length - due.length);
      expect(timers.next()).toBe(Math.min(Infinity, ...times.filter((atMs) => atMs > nowMs)));
    }),
  );
});

it("keeps nothing of what never comes", () => {
  const timers = new Timers();
  timers.at(Infinity, () => undefined);
  expect(timers.size).toBe(0);
});

it("fires at once what a timer sets for now", () => {
  const timers = new Timers();
  const fired: string[] = [];
  timers.at(1, () => {
    fired.push("first");
    timers.at(2, () => fired.push("second"));
    timers.at(9, () => fired.push("later"));
  });
  timers.fireDue(5);
  expect(fired).toEqual(["first", "second"]);
});
