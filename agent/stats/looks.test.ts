import { VirtualClock } from "../../protocol/virtual-clock";
import { Looks } from "./looks";

/** Looks each second; each is told whom it saw, and ends when the test says. */
function looking() {
  const clock = new VirtualClock();
  const seen: string[] = [];
  const ends: { end(): void; fail(): void }[] = [];
  const looks = new Looks<{ readonly name: string }>({
    clock,
    intervalMs: 1000,
    look: (watched) => {
      seen.push(watched.map(({ name }) => name).join(" "));
      return new Promise((resolve, reject) => ends.push({ end: resolve, fail: () => reject(new Error("no look")) }));
    },
  });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const endLast = async (how: "end" | "fail" = "end") => {
    ends.at(-1)?.[how]();
    await settle();
  };
  return { clock, seen, looks, endLast };
}

test("the first is at once, the next an interval after its end, however long it takes or whether it fails", async () => {
  const { clock, seen, looks, endLast } = looking();
  looks.watch({ name: "a" });
  clock.advance(0);
  expect(seen).toEqual(["a"]);
  looks.watch({ name: "b" });
  clock.advance(60_000);
  expect(seen).toEqual(["a"]);
  await endLast("fail");
  clock.advance(999);
  expect(seen).toEqual(["a"]);
  clock.advance(1);
  expect(seen).toEqual(["a", "a b"]);
});

test("nobody is looked at once all have gone", async () => {
  const { clock, seen, looks, endLast } = looking();
  const [a, b] = [{ name: "a" }, { name: "b" }];
  const [endA, endB] = [looks.watch(a), looks.watch(b)];
  clock.advance(0);
  endA();
  expect([looks.has(a), looks.has(b)]).toEqual([false, true]);
  endB();
  await endLast();
  clock.advance(10_000);
  expect(seen).toEqual(["a b"]);
});

test("while one does not end no other begins, though all go and others come", async () => {
  const { clock, seen, looks, endLast } = looking();
  const end = looks.watch({ name: "a" });
  clock.advance(0);
  end();
  looks.watch({ name: "b" });
  clock.advance(10_000);
  expect(seen).toEqual(["a"]);
  await endLast();
  clock.advance(1000);
  expect(seen).toEqual(["a", "b"]);
  await endLast();
  clock.advance(1000);
  expect(seen).toEqual(["a", "b", "b"]);
});
