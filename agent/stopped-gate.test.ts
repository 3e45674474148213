import type { ExpectedServer } from "../protocol/messages";
import { expectedServer, seconds, TestNode } from "./test-node";

/** What a gate says nothing of while it stands still, and whose silence that is. */
let node: TestNode;

beforeEach(async () => {
  node = await TestNode.start();
});
afterEach(() => node.stop());

async function readyServer(changes: Partial<ExpectedServer> = {}): Promise<void> {
  await node.controller.ask({ kind: "expect", server: expectedServer(changes) });
  await node.gate.call("POST", "/v1/ready");
}

const health = () =>
  node.controller.events.flatMap((event) => (event.kind === "health" ? [[event.healthy, event.reason] as const] : []));

test("no silence counts while the gate stands still, and a hang is found once it goes on", async () => {
  await readyServer();
  await seconds(node, 2);
  node.gate.stopped = true;
  await seconds(node, 60);
  expect(health()).toEqual([]);
  node.gate.stopped = false;
  await seconds(node, 10);
  expect(health()).toEqual([]);
  await seconds(node, 5);
  expect(health()).toEqual([[false, expect.stringMatching(/^no heartbeat for/)]]);
});

test("nor while it does so for less than the gate is waited for, where little is allowed", async () => {
  await readyServer({ health: { ...expectedServer().health, intervalMs: 2000, unhealthyThreshold: 2 } });
  await node.gate.call("POST", "/v1/health");
  await seconds(node, 2);
  node.gate.channel.send({ type: "streamOpened", serverId: "s1", streams: 1 });
  node.gate.stopped = true;
  // Until then the server has said that it is well, to the gate.
  await seconds(node, 4);
  node.gate.stopped = false;
  await node.gate.call("POST", "/v1/health");
  await seconds(node, 3);
  expect(health()).toEqual([]);
});
