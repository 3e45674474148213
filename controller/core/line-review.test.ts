import type { ExperienceConfig } from "../../config/config";
import type { Waiting } from "./decision";
import type { Placement, QueueEntry } from "./resources";
import { code, join } from "./testing/ask";
import { RegionDouble } from "./testing/region-double";
import { put, versions } from "./testing/rollouts";
import { testExperience, testSettings } from "./testing/settings-double";

const PATIENT = { queueDeadlineSecs: 600 };
const GROWING = { minServers: 1, maxServers: 6, scaleUpCooldownSecs: 1 };

type Over = Partial<Omit<ExperienceConfig, "scaling" | "routing">> & {
  readonly routing?: Partial<ExperienceConfig["routing"]>;
  readonly scaling?: Partial<ExperienceConfig["scaling"]>;
};
const settings = ({ routing, scaling, ...over }: Over) =>
  testSettings([
    testExperience("arena", {
      maxPlayers: 1,
      ...over,
      routing: { ...PATIENT, ...routing },
      scaling: { ...GROWING, ...scaling },
    }),
  ]);
const region = (over: Over = {}): RegionDouble => new RegionDouble(settings(over), ["n1"]).start();
const wait = (r: RegionDouble, { queueTicket }: Waiting): number =>
  r.ask({ type: "waitQueue", queueTicket, untilMs: r.nowMs + 500_000 });
/** Somebody who stays. */
function play(r: RegionDouble, player: string): { readonly id: string; readonly serverId: string } {
  const { session, server } = r.must<Placement>(join(player));
  r.agentOf(server.id).join(server.id, session.id, 1, r.nowMs);
  r.run();
  return { id: session.id, serverId: server.id };
}

it("starts servers for those who wait for a version by name once it is what new servers run again", () => {
  const r = region();
  play(r, "holder");
  r.must(put({ version: "2" }));
  r.advance(5000);
  const asked = wait(r, r.must<Waiting>(join("ann", { version: "1" })));
  r.advance(30_000);
  expect([versions(r), r.replies.has(asked)]).toEqual([{ 1: 1, 2: 1 }, false]);
  r.must(put({ rollout: "rollback" }));
  r.advance(5000);
  expect(r.reply(asked)).toMatchObject({ ok: true });
  expect(versions(r)[1]).toBe(2);
});

it("starts no more for those whose version is replaced while they wait", () => {
  const r = region({ scaling: { maxServers: 6, minServers: 1 } });
  play(r, "holder");
  r.autoReady = false;
  const asked = wait(r, r.must<Waiting>(join("ann", { version: "1" })));
  r.must(put({ version: "2" }));
  r.autoReady = true;
  r.advance(120_000);
  expect(versions(r)[2]).toBeLessThanOrEqual(2);
  expect(r.replies.has(asked) && r.reply(asked).ok).toBe(false);
});

it("tells those who wait for a version by name when its last server is gone, as it tells whoever asks then", () => {
  const r = region();
  const holder = play(r, "holder");
  r.must(put({ version: "2" }));
  r.advance(5000);
  const asked = wait(r, r.must<Waiting>(join("ann", { version: "1" })));
  r.advance(5000);
  expect(r.replies.has(asked)).toBe(false);
  r.kill(holder.serverId);
  r.run();
  expect(code(r.reply(asked))).toBe("unknownVersion");
  expect(code(r.call(join("late", { version: "1" })))).toBe("unknownVersion");
});

it("lets in who was too far away once forge.toml lets them, and holds others back that it does not let any more", () => {
  const over = (maxLatencyMs: number | undefined, relaxMsPerSec = 0): Over => ({
    maxPlayers: 4,
    routing: { maxLatencyMs, relaxMsPerSec },
  });
  const r = region(over(50));
  const asked = wait(r, r.must<Waiting>(join("far", { latencies: { here: 80 } })));
  r.setSettings(settings(over(60)));
  r.run();
  expect(r.must<QueueEntry[]>({ type: "listQueue" })[0]?.reason).toBe("80 ms to here are above the limit of 60 ms");
  r.setSettings(settings(over(60, 1)));
  r.advance(21_000);
  expect(r.reply(asked)).toMatchObject({ ok: true });
  const next = wait(r, r.must<Waiting>(join("next", { latencies: { here: 300 } })));
  r.setSettings(settings(over(undefined)));
  r.run();
  expect(r.reply(next)).toMatchObject({ ok: true });
});

it("starts no servers for a party that is larger than those that are started by now, and lets it wait for one that is", () => {
  const r = region({ maxPlayers: 4 });
  const { id } = play(r, "ann");
  r.autoReady = false;
  const asked = wait(r, r.must<Waiting>(join("cyd", { party: ["dan", "eve", "fay"] })));
  r.setSettings(settings({ maxPlayers: 2 }));
  r.autoReady = true;
  r.advance(60_000);
  expect(versions(r)).toEqual({ 1: 1 });
  expect(r.replies.has(asked)).toBe(false);
  r.must({ type: "endSession", sessionId: id, reason: "left" });
  r.run();
  expect(r.reply(asked)).toMatchObject({ ok: true });
});

it("tells those who wait for an experience that is taken out of forge.toml", () => {
  const r = region({ scaling: { maxServers: 1 } });
  play(r, "holder");
  const asked = wait(r, r.must<Waiting>(join("ann")));
  r.setSettings(testSettings([testExperience("other")]));
  r.run();
  expect(code(r.reply(asked))).toBe("unknownExperience");
});
