import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import {
  failoverEvent,
  NOW,
  sampleFleet,
  sampleRegion,
  sampleServer,
  scalingEvent,
  serverEvent,
} from "../test/double/samples";
import { type OverviewState, renderOverview } from "./live-view";

const state: OverviewState = {
  regions: [sampleRegion(), sampleRegion({ name: "eu-west", players: 3, queued: 2, state: "draining" })],
  fleets: [sampleFleet()],
  servers: [
    sampleServer({ id: "srv-us-east-b" }),
    sampleServer({ id: "srv-us-east-a", state: "allocated", matchId: "m-1" }),
  ],
  recent: [serverEvent("server.ready"), scalingEvent()],
  bots: { playing: 92, wanted: 100, queued: 2, moved: 5, lost: 0 },
  elapsedMs: 83_000,
  nowMs: NOW,
};

describe("renderOverview", () => {
  it("shows regions, fleets, servers, bots and what happened", () => {
    const lines = renderOverview(state, { width: 140, color: false }).split("\n");
    expect(lines[0]).toMatch(
      /^forge {2}1 of 2 regions up · 2 servers · 95 players · 56 free seats · 2 queued +1m 23s$/,
    );
    expect(lines.find((line) => line.startsWith("us-east "))).toMatch(/up +█{9}░{3} 92\/120 +5 +0 +41% +1$/);
    expect(lines.find((line) => line.startsWith("eu-west "))).toContain("draining");
    expect(lines.find((line) => line.startsWith("arena "))).toMatch(/us-east .* 5 +4 +0 +1 +0 +0 +1\.0\.0$/);
    expect(lines.find((line) => line.startsWith("srv-us-east-a"))).toMatch(
      /allocated +█{9}░{3} 18\/24 +42% +71 MiB +12m 34s +arena \(m-1\)$/,
    );
    expect(lines).toContain("BOTS  92 of 100 playing · 2 queued · 5 moved · 0 lost");
    expect(lines.at(-1)).toMatch(/scaling up +arena 4 → 5 +players a server 23\.0 above 20$/);
  });

  it("counts servers as the regions do, and those of fleet roles apart", () => {
    const servers = [sampleServer(), sampleServer({ role: "ai" }), sampleServer({ role: "ai" })];
    const [head] = renderOverview({ ...state, servers }, { width: 140, color: false }).split("\n");
    expect(head).toContain("up · 1 server · 2 role servers · 95 players");
  });

  it("is the same text with colours as without them", () => {
    const plain = renderOverview(state, { width: 100, color: false });
    const colored = renderOverview(state, { width: 100, color: true });
    expect(colored).not.toBe(plain);
    expect(stripVTControlCharacters(colored)).toBe(plain);
  });

  it("fits any width and height, and says how many servers it leaves out", () => {
    const servers = Array.from({ length: 90 }, (_, n) =>
      sampleServer({ id: `srv-us-east-${String(n).padStart(4, "0")}` }),
    );
    const recent = Array.from({ length: 50 }, () => failoverEvent("detect"));
    fc.assert(
      fc.property(
        fc.integer({ min: 20, max: 200 }),
        fc.integer({ min: 24, max: 80 }),
        fc.boolean(),
        (width, height, color) => {
          const lines = stripVTControlCharacters(
            renderOverview({ ...state, servers, recent }, { width, height, color }),
          ).split("\n");
          expect(lines.length).toBeLessThanOrEqual(height);
          for (const line of lines) expect(line.length).toBeLessThanOrEqual(Math.max(40, width));
          const shown = lines.filter((line) => line.startsWith("srv")).length;
          expect(lines).toContain(`and ${90 - shown} more servers`);
          expect(lines.filter((line) => line.includes("failover detect")).length).toBeGreaterThanOrEqual(1);
        },
      ),
    );
  });

  it("keeps servers that need a look when there is no room for all", () => {
    const well = Array.from({ length: 40 }, (_, n) => sampleServer({ id: `srv-a-${n}` }));
    const servers = [...well, sampleServer({ id: "srv-z-lost", state: "suspect" })];
    expect(renderOverview({ ...state, servers }, { width: 100, height: 30, color: false })).toContain("srv-z-lost");
  });

  it("says what is empty by leaving it out, and notes first", () => {
    const bare = {
      ...state,
      regions: [],
      fleets: [],
      servers: [],
      recent: [],
      bots: undefined,
      notes: ["region eu-west does not answer"],
    };
    expect(renderOverview(bare, { width: 90, color: false }).split("\n")).toEqual([
      expect.stringMatching(/^forge {2}0 of 0 regions up · 0 servers · 0 players/),
      "region eu-west does not answer",
    ]);
  });

  it("lets no text from outside reach the terminal as anything but text", () => {
    const evil = "x\u001b[2J\u0007\ny";
    const shown = renderOverview(
      {
        ...state,
        servers: [sampleServer({ experienceId: evil })],
        recent: [serverEvent("server.blocked", { reason: evil })],
        notes: [],
      },
      { width: 120, color: false },
    );
    expect(stripVTControlCharacters(shown)).toBe(shown);
    expect(shown).not.toContain("\u0007");
    expect(shown).toContain("x [2J y");
  });
});
