import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as pause } from "node:timers/promises";
import pino from "pino";
import { HttpStatusError } from "../clients/http-json";
import { VirtualClock } from "../protocol/virtual-clock";
import type { Kept } from "./core/kept-fleets";
import { FileDocument } from "./document";
import { FleetKeeper, type KeptFleets } from "./fleet-keeper";

const url = "https://scaler.example.com/";
const log = pino({ level: "silent" });

/** As a leader keeps it. */
function records(version: string): Kept {
  const entry = { version: "1", scaling: { minServers: 1 } };
  const record = { version, rollout: null, lastRollout: null, policy: {}, desired: null, entry, former: null };
  const isolation = { sinceMs: 1, untilMs: 2, reason: "3 of its servers are in trouble together" };
  const nodes = { n1: { timesIsolated: 1, lastIsolatedMs: 1, isolation } };
  return { fleets: { arena: record }, nodes } as unknown as Kept;
}

describe("FleetKeeper", () => {
  let folder: string;
  const keepers: FleetKeeper[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "forge-keeper-"));
  });
  afterEach(async () => {
    for (const keeps of keepers.splice(0)) keeps.stop();
    // A write that is on its way would make the folder anew.
    while (calls.length > 0) await Promise.allSettled(calls.splice(0));
    rmSync(folder, { recursive: true, force: true });
  });

  /** One controller's keeper, and what it was told in order. */
  function keeper() {
    const document = new Gate(join(folder, "fleets.json"));
    const clock = new VirtualClock();
    const told: string[] = [];
    let heard: () => void = () => undefined;
    const tell = (what: string) => {
      told.push(what);
      heard();
    };
    const keeps = new FleetKeeper({
      document,
      clock,
      log,
      onRead: (epoch, { fleets, nodes, endings = {} }) => {
        const isolated = Object.values(nodes).filter(({ isolation }) => isolation).length;
        const also = [...(isolated ? [", 1 isolated"] : []), ...Object.keys(endings).map((id) => `, ${id} ends`)];
        tell(`read ${String(epoch)} ${fleets["arena"]?.version ?? "nothing"}${also.join("")}`);
      },
      onKept: (seq, failure) => tell(`kept ${String(seq)}${failure === undefined ? "" : ` not: ${failure}`}`),
      onOutrun: (epoch) => tell(`outrun ${String(epoch)}`),
    });
    keepers.push(keeps);
    const next = async (): Promise<string | undefined> => {
      if (told.length === 0) await new Promise<void>((resolve) => (heard = resolve));
      return told.shift();
    };
    return { keeps, document, clock, next, told };
  }

  it("gives the next leader what the last one kept", async () => {
    const first = keeper();
    first.keeps.lead(1);
    expect(await first.next()).toBe("read 1 nothing");
    first.keeps.keep(1, records("2"));
    expect(await first.next()).toBe("kept 1");
    const second = keeper();
    second.keeps.lead(2);
    expect(await second.next()).toBe("read 2 2, 1 isolated");
  });

  it.each([
    ["what webhooks said", { [url]: { scale: true, replicas: 4, atMs: 1 } }, "read 2 2, 1 isolated"],
    ["that one never answered", { [url]: null }, "read 2 2, 1 isolated"],
    ["what a later version of Forge keeps", undefined, "read 2 2, 1 isolated"],
    ["no answer of a webhook", { [url]: { replicas: "many" } }, "read 2 nothing, 1 isolated"],
  ])("reads %s with a fleet", async (_, advice, expected) => {
    const first = keeper();
    first.keeps.lead(1);
    await first.next();
    const { fleets, nodes } = records("2");
    const arena = { ...fleets["arena"], ...(advice && { advice }), later: { of: "Forge" } };
    first.keeps.keep(1, { fleets: { arena }, nodes } as unknown as Kept);
    expect(await first.next()).toBe("kept 1");
    const second = keeper();
    second.keeps.lead(2);
    expect(await second.next()).toBe(expected);
  });

  it("lets a leader that was replaced write nothing, and tells it that it was", async () => {
    const [old, young] = [keeper(), keeper()];
    old.keeps.lead(1);
    await old.next();
    young.keeps.lead(2);
    await young.next();
    old.keeps.keep(1, records("stale"));
    expect(await old.next()).toBe("outrun 2");
    const third = keeper();
    third.keeps.lead(3);
    expect(await third.next()).toBe("read 3 nothing");
  });

  it("refuses a write that was on its way while another took over", async () => {
    const [old, young] = [keeper(), keeper()];
    old.keeps.lead(1);
    await old.next();
    const letGo = old.document.hold();
    old.keeps.keep(1, records("stale"));
    young.keeps.lead(2);
    expect(await young.next()).toBe("read 2 nothing");
    letGo();
    expect(await old.next()).toBe("outrun 2");
    young.keeps.keep(1, records("mine"));
    expect(await young.next()).toBe("kept 1");
  });

  it("tries on where it cannot be reached, says so once for each change, and writes the newest", async () => {
    const { keeps, document, clock, next } = keeper();
    keeps.lead(1);
    await next();
    document.isCutOff = true;
    keeps.keep(1, records("2"));
    expect(await next()).toBe(`kept 1 not: ${document.place}: cut off`);
    keeps.keep(2, records("3"));
    expect(await next()).toBe(`kept 2 not: ${document.place}: cut off`);
    document.isCutOff = false;
    clock.advance(500);
    expect(await next()).toBe("kept 2");
    const second = keeper();
    second.keeps.lead(2);
    expect(await second.next()).toBe("read 2 3, 1 isolated");
  });

  it.each([
    ["no document of Forge's", { fleets: 5 }, "read 1 nothing"],
    ["one node that is none", { epoch: 0, ...records("2"), nodes: { n2: { timesIsolated: "often" } } }, "read 1 2"],
    ["one record that is none", { epoch: 0, fleets: { ...records("2").fleets, broken: { version: 7 } } }, "read 1 2"],
  ])("passes over what cannot be read: %s", async (_, value, expected) => {
    const { keeps, document, next } = keeper();
    await document.write(value as unknown as KeptFleets, 0);
    keeps.lead(1);
    expect(await next()).toBe(expected);
  });

  it("keeps which servers are to end, and passes over what cannot be read of them", async () => {
    const { keeps, next } = keeper();
    keeps.lead(1);
    await next();
    const ends = { kind: "terminate", moveAtMs: 1, reason: "to be mended" } as const;
    keeps.keep(1, { ...records("2"), endings: { s1: ends, s2: { ...ends, kind: "rollout" as "terminate" } } });
    expect(await next()).toBe("kept 1");
    const second = keeper();
    second.keeps.lead(2);
    expect(await second.next()).toBe("read 2 2, 1 isolated, s1 ends");
  });

  it("lets the leader go on where it may not read, and writes once it may", async () => {
    const { keeps, document, clock, next } = keeper();
    document.refusal = new HttpStatusError("Consul", "GET /v1/kv/forge/us-east/fleets", 403, "Permission denied");
    keeps.lead(1);
    await pause();
    clock.advance(500);
    expect(await next()).toBe("read 1 nothing");
    keeps.keep(1, records("2"));
    expect(await next()).toMatch("kept 1 not: ");
    document.refusal = undefined;
    clock.advance(500);
    expect(await next()).toBe("kept 1");
  });

  it("writes nothing once it has ceased to lead", async () => {
    const { keeps, told, document, clock } = keeper();
    keeps.lead(1);
    keeps.stop();
    keeps.keep(1, records("2"));
    clock.advance(5000);
    await document.read();
    expect(told).toEqual([]);
  });
});

/** Under way, or over. */
const calls: Promise<unknown>[] = [];

/** A file that can be cut off, and whose next write can be held. */
class Gate extends FileDocument<KeptFleets> {
  isCutOff = false;
  refusal: Error | undefined;
  private held: Promise<void> = Promise.resolve();

  hold(): () => void {
    let letGo: () => void = () => undefined;
    this.held = new Promise((resolve) => (letGo = resolve));
    return letGo;
  }

  override read() {
    if (this.refusal) return Promise.reject(this.refusal);
    if (this.isCutOff) return Promise.reject(new Error("cut off"));
    return heard(super.read());
  }

  override write(value: KeptFleets, revision: number) {
    return heard(this.held.then(() => super.write(value, revision)));
  }
}

function heard<T>(call: Promise<T>): Promise<T> {
  calls.push(call);
  return call;
}
