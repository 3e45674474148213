import type { AgentAbility } from "../../protocol/messages";
import { arena } from "./testing/ask";
import { crash, nodeStates, on, playing } from "./testing/failing-node";

it.each<[string, readonly AgentAbility[], readonly object[]]>([
  ["and says so, without one", ["openDraining"], [{ kind: "draining", reason: "node n1 is isolated" }]],
  ["and nothing to agents that need one", ["reach"], []],
])("gives servers that wait for their players to find a place no deadline, %s", (_, can, told) => {
  const r = arena({ maxPlayers: 2, scaling: { minServers: 8, maxServers: 8 } }, ["n1", "n2"]);
  for (let i = 0; i < 16; i++) playing(r, `p${String(i)}`);
  const agent = r.agent("n1");
  agent.can = can;
  r.cut("n1");
  r.connect("n1");
  r.run();
  const sent: unknown[] = [];
  r.watch = (decision) => void sent.push(decision.type === "send" && decision.body);
  r.autoReady = false;
  const troubled = on(r, "n1").map(({ id }) => id);
  crash(r, troubled.slice(0, 3));
  expect(nodeStates(r)[0]).toBe("n1 isolated");
  expect(agent.notices.map(({ notice }) => notice)).toEqual(told);
  // The wire has no number for never.
  expect(JSON.parse(JSON.stringify(sent))).toEqual(sent);
});
