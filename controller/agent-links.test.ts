import pino from "pino";
import { agentControllerPair } from "../protocol/memory-channel";
import type { FromController, Hello } from "../protocol/messages";
import { PROTOCOL_VERSION } from "../protocol/versions";
import { VirtualClock } from "../protocol/virtual-clock";
import { AgentLinks } from "./agent-links";

const HELLO: Hello = {
  type: "hello",
  protocol: { oldest: 1, newest: 1 },
  nodeId: "node-1",
  region: "us-east",
  bootId: "boot-1",
  agentVersion: "1",
  epoch: 3,
  node: { address: "127.0.0.1", cpu: 1000, memory: 1024, limits: { cpu: false, memory: false, detail: "none" } },
};

/** Lets everything that is under way on memory channels arrive. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

function stage() {
  const clock = new VirtualClock();
  const links = new AgentLinks({
    region: "us-east",
    controllerId: "c-0",
    clock,
    log: pino({ level: "silent" }),
    silentAfterMs: 3000,
  });
  const heard: unknown[] = [];
  links.start({
    onMessage: (nodeId, message) => heard.push([nodeId, message.type]),
    onSilent: (nodeId, reason) => heard.push([nodeId, "silent", reason]),
    status: () => ({ leader: true, epoch: 7 }),
  });
  const dial = (hello: Hello = HELLO) => {
    const { agent, controller } = agentControllerPair();
    const got: FromController[] = [];
    let closed: string | undefined;
    agent.onMessage((message) => void got.push(message));
    agent.onClose((reason) => (closed = reason));
    links.accept(controller);
    agent.send(hello);
    return { agent, got, closed: () => closed };
  };
  return { clock, links, heard, dial };
}

describe("AgentLinks", () => {
  it("welcomes an agent of its region and passes its messages on, pings excepted", async () => {
    const { heard, dial, links } = stage();
    const { agent, got } = dial();
    await settled();
    expect(got[0]).toMatchObject({ type: "welcome", protocol: 1, controllerId: "c-0", leader: true, epoch: 7 });
    agent.send({ type: "ping", atMs: 1 });
    agent.send({ type: "report", events: [] });
    await settled();
    expect(heard).toEqual([
      ["node-1", "hello"],
      ["node-1", "report"],
    ]);
    expect(links.connected()).toBe(1);
    links.close();
  });

  it("speaks the newest version that both know with each agent, and tells it which that is", async () => {
    const { dial, links } = stage();
    for (const [newest, spoken] of [
      [PROTOCOL_VERSION - 1, PROTOCOL_VERSION - 1],
      [PROTOCOL_VERSION, PROTOCOL_VERSION],
      [PROTOCOL_VERSION + 7, PROTOCOL_VERSION],
    ] as const) {
      const { got } = dial({ ...HELLO, protocol: { oldest: 1, newest } });
      await settled();
      expect(got[0]).toMatchObject({ type: "welcome", protocol: spoken });
    }
    links.close();
  });

  it.each([
    ["another region's agent", { ...HELLO, region: "eu-west" }, "region"],
    ["an agent of a protocol to come", { ...HELLO, protocol: { oldest: 9, newest: 9 } }, "protocolVersion"],
  ])("refuses %s, and says why before it closes", async (_, hello, code) => {
    const { heard, dial, links } = stage();
    const { got, closed } = dial(hello);
    await settled();
    expect(got).toMatchObject([{ type: "refused", code }]);
    expect(closed()).toBeDefined();
    expect(heard).toEqual([]);
    links.close();
  });

  it("closes a stream that says no hello within 5 s, or something else first", async () => {
    const { clock, links } = stage();
    const { agent, controller } = agentControllerPair();
    let closed: string | undefined;
    agent.onClose((reason) => (closed = reason));
    links.accept(controller);
    clock.advance(5000);
    await settled();
    expect(closed).toContain("no hello");

    const second = agentControllerPair();
    let why: string | undefined;
    second.agent.onClose((reason) => (why = reason));
    links.accept(second.controller);
    second.agent.send({ type: "report", events: [] });
    await settled();
    expect(why).toContain("expected hello");
    links.close();
  });

  it("calls a node silent at its moment, not at the next ping", async () => {
    const { clock, heard, dial, links } = stage();
    clock.advance(400);
    dial();
    await settled();
    clock.advance(2999);
    expect(heard).toHaveLength(1);
    clock.advance(1);
    expect(heard.at(-1)).toEqual(["node-1", "silent", "nothing heard for 3000 ms"]);
    links.close();
  });

  it("lets a newer stream of the same node replace the first without calling the node silent", async () => {
    const { heard, dial, links } = stage();
    const first = dial();
    await settled();
    dial({ ...HELLO, bootId: "boot-2" });
    await settled();
    expect(first.closed()).toContain("newer stream");
    expect(heard.filter((entry) => (entry as string[])[1] === "silent")).toEqual([]);
    expect(links.connected()).toBe(1);
    links.close();
  });

  it("tells of silence after 3 s, and makes an agent that comes back say hello again", async () => {
    const { clock, heard, dial, links } = stage();
    const { agent, closed } = dial();
    await settled();
    for (let second = 0; second < 4; second += 1) clock.advance(1000);
    expect(heard.at(-1)).toEqual(["node-1", "silent", expect.stringContaining("nothing heard")]);
    expect(links.connected()).toBe(0);
    agent.send({ type: "ping", atMs: 1 });
    await settled();
    expect(closed()).toContain("hello again");
    links.close();
  });

  it("does not take its own stall for the agents' silence", async () => {
    const { clock, heard, dial, links } = stage();
    dial();
    await settled();
    clock.stall(60_000);
    await settled();
    expect(heard.filter((entry) => (entry as string[])[1] === "silent")).toEqual([]);
    links.close();
  });

  it("counts requests that wait for their answer, and stamps them with the epoch", async () => {
    const { dial, links } = stage();
    const { agent, got } = dial();
    await settled();
    links.epoch = 8;
    links.send("node-1", 41, { kind: "epoch" });
    links.send("nobody", 42, { kind: "epoch" });
    await settled();
    expect(got.at(-1)).toEqual({ type: "request", id: 41, epoch: 8, body: { kind: "epoch" } });
    expect(links.counts()).toEqual({ connected: 1, requestsInFlight: 1 });
    agent.send({ type: "ack", id: 41, ok: true, epoch: 8 });
    await settled();
    expect(links.counts().requestsInFlight).toBe(0);
    links.close();
  });

  it("tells at once when a stream ends", async () => {
    const { heard, dial, links } = stage();
    const { agent } = dial();
    await settled();
    agent.close("gone");
    await settled();
    expect(heard.at(-1)).toMatchObject(["node-1", "silent", expect.any(String)]);
    links.close();
  });
});
