import * as fc from "fast-check";
import { Outbox } from "./outbox";

it("writes times as a Date does", () => {
  const outbox = new Outbox("here");
  const ms = fc.oneof(fc.nat(5000), fc.nat(4_102_444_800_000), fc.double({ min: 0, max: 3000, noNaN: true }));
  fc.assert(
    fc.property(fc.array(ms, { minLength: 1 }), (times) => {
      expect(times.map((time) => outbox.iso(time))).toEqual(times.map((time) => new Date(time).toISOString()));
    }),
  );
});
