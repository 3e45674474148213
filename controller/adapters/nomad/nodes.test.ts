import { allocationSchema, nodeSchema } from "../../../clients/nomad-answers";
import { Nodes } from "./nodes";
import { readRecording } from "./recordings/recordings";

const { lists } = readRecording();
const node = nodeSchema.parse(lists.node);
const away = nodeSchema.parse(lists.nodeAway);
const allocation = allocationSchema.parse(lists.allocation);

describe("the public address", () => {
  test("is that of the allocation's first port but the SDK's", () => {
    const ports = [
      { label: "sdk", value: 1, hostIp: "127.0.0.1" },
      { label: "game", value: 2, hostIp: "192.0.2.7" },
    ];
    expect(new Nodes("auto").addressOf({ ...allocation, ports })).toBe("192.0.2.7");
  });

  test("is the node's where it has no port", () => {
    const nodes = new Nodes("auto");
    nodes.know({ ...node, id: allocation.nodeId, address: "192.0.2.8" }, false);
    expect(nodes.addressOf({ ...allocation, ports: [] })).toBe("192.0.2.8");
  });

  test("is what the node's meta says, once the node was asked for it, and else as with auto", () => {
    const nodes = new Nodes("meta.public_ip");
    expect(nodes.lacks(node.id)).toBe(true);
    nodes.know({ ...node, id: allocation.nodeId, meta: { public_ip: "203.0.113.5" } }, true);
    expect(nodes.lacks(allocation.nodeId)).toBe(false);
    // A list, which has no meta, takes nothing away.
    nodes.know({ ...node, id: allocation.nodeId, modifyIndex: node.modifyIndex + 1, meta: {} }, false);
    expect(nodes.addressOf(allocation)).toBe("203.0.113.5");
    expect(new Nodes("meta.public_ip").addressOf(allocation)).toBe(allocation.ports[0]?.hostIp);
  });

  test("is a literal", () => {
    expect(new Nodes("play.example.com").addressOf(allocation)).toBe("play.example.com");
  });
});

test("a node that Nomad cannot reach is told once, and that it is back once it is ready", () => {
  const nodes = new Nodes("auto");
  const later = (status: string, by: number) => ({ ...away, status, modifyIndex: away.modifyIndex + by });
  expect(nodes.know(node, false)).toBeUndefined();
  expect(nodes.know(away, false)).toMatchObject({ type: "nodeDown", nodeId: node.id, unreachable: true });
  expect(nodes.down()).toHaveLength(1);
  expect(nodes.know(later("down", 1), false)).toBeUndefined();
  expect(nodes.know(later("initializing", 2), false)).toBeUndefined();
  expect(nodes.know(later("ready", 3), false)).toEqual({ type: "nodeUp", nodeId: node.id });
  // What was said before is no news.
  expect(nodes.know(away, false)).toBeUndefined();
  expect(nodes.down()).toEqual([]);
});
