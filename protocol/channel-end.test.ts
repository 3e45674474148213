import { ChannelEnd } from "./channel-end";

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("what came before there was a listener stays before what comes then", async () => {
  const end = new ChannelEnd<number>();
  const heard: number[] = [];
  end.deliver(1);
  end.deliver(2);
  end.onMessage((message) => {
    heard.push(message);
    if (message === 1) end.deliver(4);
  });
  end.deliver(3);
  await turn();
  expect(heard).toEqual([1, 2, 3, 4]);
  end.deliver(5);
  expect(heard).toEqual([1, 2, 3, 4, 5]);
});

test("it ends once; who asks later is told why", async () => {
  const end = new ChannelEnd<number>();
  const told: string[] = [];
  end.onClose((reason) => told.push(reason));
  expect([end.end("lost"), end.end("again")]).toEqual([true, false]);
  end.onClose((reason) => told.push(`${reason}, late`));
  end.onMessage(() => told.push("a message"));
  end.deliver(1);
  await turn();
  expect(told).toEqual(["lost", "lost, late"]);
});
