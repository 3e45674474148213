import { Standing } from "./standing";

it.each([
  ["a standby", { leader: false, epoch: 3 }, 2, false, "not leading"],
  ["a leader without agents", { leader: true, epoch: 3 }, 0, false, "no agent has connected yet"],
  ["a leader", { leader: true, epoch: 3 }, 2, true, "leading with epoch 3, 2 agent(s)"],
])("says what %s is worth", (_, change, agents, ready, detail) => {
  const standing = new Standing();
  standing.take(change);
  expect(standing.status(agents)).toEqual({ leader: change.leader, epoch: 3, ready, detail });
});

it("says that agents which were there are gone, and that it is closing", () => {
  const standing = new Standing();
  standing.take({ leader: true, epoch: 1 });
  standing.status(1);
  expect(standing.status(0)).toMatchObject({ ready: false, detail: "no agent is connected any more" });
  standing.closing = true;
  expect(standing.status(0)).toMatchObject({ ready: false, detail: "it is closing" });
});

it("is not ready to place players before it knows who sits where", () => {
  const standing = new Standing();
  standing.take({ leader: true, epoch: 1 });
  expect(standing.status(1, true)).toMatchObject({ leader: true, ready: false, detail: "it is learning what runs" });
  expect(standing.status(1, false)).toMatchObject({ ready: true });
});

it("makes its status anew when anything of it has changed, and not otherwise", () => {
  const standing = new Standing();
  expect(standing.take({ leader: true, epoch: 1 })).toBe(true);
  const first = standing.status(1);
  expect(standing.status(1)).toBe(first);
  expect(standing.status(2).detail).toBe("leading with epoch 1, 2 agent(s)");
  standing.hold();
  expect(standing.status(2)).toMatchObject({
    ready: true,
    detail: "leading with epoch 1, 2 agent(s); the lock is out of reach, so no server is started or stopped",
  });
  expect(standing.take({ leader: true, epoch: 1 })).toBe(false);
  expect(standing.take({ leader: true, epoch: 2 })).toBe(true);
  standing.closing = true;
  expect(standing.status(2).ready).toBe(false);
});
