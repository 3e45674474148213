import { until } from "./until";

test("what is waited for comes after looks that find nothing and looks that fail", async () => {
  const looks = [
    () => undefined,
    () => false as const,
    () => {
      throw new Error("refused");
    },
    () => 0,
  ];
  expect(await until("a number", async () => looks.shift()?.())).toBe(0);
});

test("what does not come is named, with why the last look failed", async () => {
  const refused = until("an answer", () => Promise.reject(new Error("connection refused")), 0);
  await expect(refused).rejects.toThrow("not within 0 s: an answer: connection refused");
  await expect(until("a server is ready", async () => false, 0)).rejects.toThrow(/^not within 0 s: a server is ready$/);
});
