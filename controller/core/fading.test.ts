import { Fading } from "./fading";

it("keeps each thing for its time, and no more than its limit", () => {
  const dropped: number[] = [];
  const fading = new Fading<number>(10, 3, (item) => dropped.push(item));
  [1, 2, 3, 4].forEach((item) => fading.add(item, item));
  expect(dropped).toEqual([1]);
  fading.expire(12);
  expect(dropped).toEqual([1, 2]);
  fading.expire(100);
  expect(dropped).toEqual([1, 2, 3, 4]);
  expect(fading.size).toBe(0);
});

it("lets go of what it dropped", () => {
  const fading = new Fading<number>(1, 1e6, () => undefined);
  for (let i = 0; i < 10_000; i++) {
    fading.add(i, i);
    fading.expire(i);
  }
  expect(fading.size).toBe(1);
});
