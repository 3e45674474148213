import type { Kept } from "./kept-fleets";
import type { DecisionRecord, Server } from "./resources";
import { arena, servers } from "./testing/ask";
import type { RegionDouble } from "./testing/region-double";
import { put } from "./testing/rollouts";

const url = "https://scaler.example.com/";
const count = (r: RegionDouble): number =>
  r.must<Server[]>(servers).filter(({ state }) => state !== "terminated").length;
const why = (r: RegionDouble): string => r.must<DecisionRecord>({ type: "getDecision", id: "arena" }).reasons.join();

function say(r: RegionDouble, answer: { scale: boolean; replicas: number } | { failure: string }): void {
  r.give({ type: "advice", experienceId: "arena", url, answer });
  r.run();
}

/** A fleet without a minimum, whose webhook wants four servers and has them. */
function four(): RegionDouble {
  const chain = [{ id: "ours", webhook: { url } }];
  const scaling = { minServers: 0, maxServers: 10, scaleUpCooldownSecs: 0, scaleDownCooldownSecs: 5, chain };
  const r = arena({ scaling });
  say(r, { scale: true, replicas: 4 });
  expect(count(r)).toBe(4);
  r.advance(1000);
  return r;
}

/** The webhook is gone, and then the leader. */
function nextLeader(r: RegionDouble): void {
  say(r, { failure: "connect ECONNREFUSED" });
  r.restart();
  r.run();
  say(r, { failure: "connect ECONNREFUSED" });
}

/** As versions of Forge kept it that did not keep what webhooks say. */
function forget(r: RegionDouble): void {
  const { fleets, nodes } = JSON.parse(r.kept) as Kept;
  const old = Object.entries(fleets).map(([id, { advice: _advice, ...record }]) => [id, record]);
  r.kept = JSON.stringify({ fleets: Object.fromEntries(old) as object, nodes });
}

describe("a leader that ends while a scaling webhook is away", () => {
  it("leaves the last good answer in force, and the next says whose it is", () => {
    const r = four();
    for (let leaders = 0; leaders < 2; leaders++) {
      nextLeader(r);
      r.advance(120_000);
      expect(count(r)).toBe(4);
    }
    r.must(put({ desired: 5 }));
    r.run();
    expect(why(r)).toMatch("its webhook, as it answered the leader before, wants 4 servers");
    r.must(put({ desired: 0 }));
    say(r, { scale: true, replicas: 1 });
    r.advance(120_000);
    expect(count(r)).toBe(1);
  });

  it.each([
    ["what was kept knows nothing of webhooks", forget],
    ["nothing is kept", (r: RegionDouble) => (r.kept = `{"fleets":{},"nodes":{}}`)],
  ])("keeps the servers that it finds until the webhook answers, where %s", (_, lose) => {
    const r = four();
    lose(r);
    nextLeader(r);
    r.advance(120_000);
    expect(count(r)).toBe(4);
    expect(why(r)).toMatch("the 4 servers that this leader found stay until the webhook of entry ours has answered it");
    // Nor does the one after it take for an answer that there was none.
    nextLeader(r);
    r.advance(120_000);
    expect(count(r)).toBe(4);
    say(r, { scale: true, replicas: 2 });
    r.advance(120_000);
    expect(count(r)).toBe(2);
  });

  it("cannot be read in time, and what it was answered itself outlasts what is read late", () => {
    const r = four();
    r.storeAnswers = false;
    nextLeader(r);
    r.advance(40_000);
    expect(count(r)).toBe(4);
    say(r, { scale: true, replicas: 3 });
    r.storeAnswers = true;
    r.readKept();
    r.run().advance(120_000);
    expect(count(r)).toBe(3);
  });
});

it("lets the next entry decide where it is known that the webhook never answered", () => {
  const chain = [{ webhook: { url } }, { buffer: { bufferSize: 3 } }];
  const r = arena({ scaling: { minServers: 0, scaleDownCooldownSecs: 5, chain } });
  r.advance(1000);
  expect(count(r)).toBe(3);
  r.must(put({ policy: { chain: [{ webhook: { url } }] } }));
  nextLeader(r);
  r.advance(120_000);
  expect(count(r)).toBe(0);
});
