import { VirtualClock } from "../protocol/virtual-clock";
import { Pulse } from "./pulse";

function pulse() {
  const clock = new VirtualClock();
  const said: string[] = [];
  const beating = new Pulse(clock, () => said.push("beat"));
  beating.start();
  return { clock, said, beating };
}

test("it beats each half second, and at the earliest moment that was asked for", () => {
  const { clock, said, beating } = pulse();
  beating.wakeAt(clock.now() + 300);
  beating.wakeAt(clock.now() + 200);
  clock.advance(199);
  expect(said).toHaveLength(1);
  clock.advance(1);
  expect(said).toHaveLength(2);
  clock.advance(800);
  expect(said).toHaveLength(4);
  beating.stop();
  clock.advance(5000);
  expect(said).toHaveLength(4);
});

test("after it was held up, what is due already goes first: it beats once, then as before", () => {
  const { clock, said, beating } = pulse();
  beating.wakeAt(clock.now() + 200);
  // As a message that waits in a socket: it is handled before what is put off for no time at all.
  clock.after(5000, () => said.push("answer"));
  clock.stall(6000);
  expect(said).toEqual(["beat", "answer", "beat"]);
  clock.advance(500);
  expect(said).toEqual(["beat", "answer", "beat", "beat"]);
  beating.stop();
});
