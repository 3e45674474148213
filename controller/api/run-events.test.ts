import type { Readable } from "node:stream";
import { VirtualClock } from "../../protocol/virtual-clock";
import type { ForgeEvent } from "../core/resources";
import { EventLog } from "../event-log";
import { EventStream } from "./event-stream";
import { type RegionEvents, RunEventStream } from "./run-events";

const ready: ForgeEvent = {
  type: "server.ready",
  region: "east",
  at: "2025-01-01T00:00:00.000Z",
  reason: "because",
  serverId: "srv-1",
  experienceId: "arena",
};

let clock: VirtualClock;
let log: EventLog;
let isAway: boolean;
let stream: RunEventStream;
beforeEach(() => {
  clock = new VirtualClock();
  log = new EventLog({ epoch: 2 });
  isAway = false;
});
afterEach(() => void stream.destroy());

const east: RegionEvents = {
  region: "east",
  open: async (lastId): Promise<Readable> => {
    if (isAway) throw new Error("connection refused");
    return new EventStream(log, clock, {}, lastId);
  },
};

async function said(): Promise<string> {
  await new Promise(setImmediate);
  const chunk = stream.read() as Buffer | null;
  return chunk?.toString("utf8") ?? "";
}

describe("the events of a run", () => {
  it("begin now for whoever brings no last id: there is nothing to miss", async () => {
    log.append(ready);
    stream = new RunEventStream([east], clock, undefined);
    expect(await said()).toBe("retry: 2000\n\nid: east=2-1\n\n");
  });

  it.each(["", "east", "east=", "east=2-x", "west=2-1", "2-1"])("say reset where the last id is %j", async (lastId) => {
    log.append(ready);
    stream = new RunEventStream([east], clock, lastId);
    expect(await said()).toContain('event: reset\ndata: {"region":"east","lastEventId":"2-1"');
  });

  it("say reset of a region that did not answer at first: what happened in it until then was not told", async () => {
    isAway = true;
    stream = new RunEventStream([east], clock, undefined);
    // The id that a reader comes back with, should it lose this stream too: with an empty one it would begin anew.
    expect(await said()).toContain("id: unknown\nevent: missing");
    log.append(ready);
    isAway = false;
    clock.advance(2000);
    expect(await said()).toContain('event: reset\ndata: {"region":"east","lastEventId":"2-1"');
  });

  it("go on without a reset in a region that went away and came back", async () => {
    stream = new RunEventStream([east], clock, "east=2-0");
    await said();
    isAway = true;
    log.append(ready);
    clock.advance(60_000);
    expect(await said()).toContain("id: east=2-1\nevent: server.ready");
  });
});
