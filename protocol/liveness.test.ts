import { watchLiveness } from "./liveness";
import { agentControllerPair } from "./memory-channel";
import { VirtualClock } from "./virtual-clock";

const turn = () => new Promise((resolve) => setImmediate(resolve));

function watched(clock = new VirtualClock()) {
  const pair = agentControllerPair();
  const told: string[] = [];
  const channel = watchLiveness(
    pair.agent,
    clock,
    { pingMs: 1000, silentMs: 3000 },
    (ms) => told.push(`silent ${ms}`),
    () => told.push("back"),
  );
  return { clock, other: pair.controller, channel, told };
}

async function seconds(clock: VirtualClock, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    clock.advance(1000);
    await turn();
  }
}

test("silence is told once, and so is its end", async () => {
  const { clock, other, told } = watched();
  await seconds(clock, 10);
  expect(told).toEqual(["silent 3000"]);
  other.send({ type: "ping", atMs: 1 });
  await turn();
  expect(told).toEqual(["silent 3000", "back"]);
  await seconds(clock, 3);
  expect(told).toEqual(["silent 3000", "back", "silent 3000"]);
});

test("any message is a sign of life; pings end here", async () => {
  const { clock, other, channel, told } = watched();
  const heard: unknown[] = [];
  channel.onMessage((message) => heard.push(message));
  for (let i = 0; i < 5; i++) {
    other.send(i % 2 ? { type: "ping", atMs: 1 } : { type: "refused", code: "region", detail: "x" });
    await seconds(clock, 2);
  }
  expect(told).toEqual([]);
  expect(heard).toHaveLength(3);
});

test("it pings each second, and stops with the channel", async () => {
  const { clock, other, channel } = watched();
  const pings: unknown[] = [];
  other.onMessage((message) => pings.push(message));
  await seconds(clock, 3);
  expect(pings).toHaveLength(3);
  channel.close("done");
  await seconds(clock, 3);
  expect(pings).toHaveLength(3);
  expect(other.closed).toBe(true);
});

test("a process that was held up does not take the others for silent", () => {
  const { clock, told } = watched();
  const now = clock.now();
  // Every timer late by ten seconds at once, as after a suspend.
  clock.now = () => now + 11_000;
  clock.advance(1000);
  expect(told).toEqual([]);
});
