import { appendFileSync, mkdtempSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { systemClock } from "../../protocol/clock";
import { LineMatcher } from "./line-matcher";
import { LogLines, MAX_LINE_BYTES } from "./log-lines";
import { LogProbe } from "./log-probe";
import { HeardFindings, quickHealth } from "./test-findings";

const patterns = { joined: "(?<time>\\d+)?: (?<player>\\S+) joins game", left: "(\\S+) leaves game" };

describe("a server's log", () => {
  let folder: string;
  let file: string;
  let heard: HeardFindings;
  let warnings: string[];
  const running: LogProbe[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "forge-log-"));
    file = join(folder, "server.log");
    heard = new HeardFindings();
    warnings = [];
  });
  afterEach(async () => {
    for (const probe of running.splice(0)) await probe.stop();
    rmSync(folder, { recursive: true });
  });

  function start(log = patterns, ready?: string): void {
    const server = {
      serverId: "s1",
      logFile: file,
      log,
      health: { ...quickHealth, check: { kind: "log", ready } as const },
    };
    const deps = { clock: systemClock, random: () => 0, warn: (message: string) => void warnings.push(message) };
    running.push(new LogProbe(server, deps, heard.report));
  }
  const players = () =>
    heard.all.flatMap((f) =>
      f.kind === "playerJoined" ? [`+${f.player}`] : f.kind === "playerLeft" ? [`-${f.player}`] : [],
    );
  const joined = (player: string) => heard.hears("playerJoined", (f) => f.player === player);

  test("is waited for, then tells who joins and leaves in order", async () => {
    start();
    writeFileSync(file, "12: ann joins game\n");
    await joined("ann");
    appendFileSync(file, "chat\n13: bob joins game\nann leaves game\n: ann joins");
    await heard.hears("playerLeft");
    appendFileSync(file, " game\r\n");
    await heard.hears("playerJoined", () => players().length === 4);
    expect(players()).toEqual(["+ann", "+bob", "-ann", "+ann"]);
  });

  test("its first line is ready, or the one that is asked for", async () => {
    start();
    writeFileSync(file, "hello\n");
    await heard.hears("ready");
    heard = new HeardFindings();
    start(patterns, "listening on \\d+");
    appendFileSync(file, "0: old joins game\n");
    await joined("old");
    appendFileSync(
      file,
      "1: ann joins game\nlistening on soon\nlistening on 30000\nlistening on 30000\n2: bob joins game\n",
    );
    await joined("bob");
    expect(heard.kinds).toEqual(["playerJoined", "playerJoined", "ready", "playerJoined"]);
  });

  test("of before tells each player once, by what came last", async () => {
    writeFileSync(
      file,
      "1: ann joins game\n2: bob joins game\nann leaves game\n3: cas joins game\nbob leaves game\n4: bob joins game\n",
    );
    start();
    await joined("bob");
    appendFileSync(file, "ann leaves game\n");
    await heard.hears("playerLeft", () => players().length === 4);
    expect(players()).toEqual(["-ann", "+cas", "+bob", "-ann"]);
  });

  test("that is rotated is read to its end, then the new one", async () => {
    writeFileSync(file, "");
    start();
    appendFileSync(file, "1: ann joins game\n");
    await joined("ann");
    appendFileSync(file, "2: bob joins game\n3: cut joins");
    renameSync(file, `${file}.1`);
    appendFileSync(`${file}.1`, " game");
    writeFileSync(file, "4: cas joins game\n");
    await joined("cas");
    expect(players()).toEqual(["+ann", "+bob", "+cut", "+cas"]);
  });

  test("whose file has a number goes on in that of the next, also within a line", async () => {
    file = join(folder, "server.stdout.9");
    start();
    writeFileSync(file, "12: ann joins game\n13: bob jo");
    await joined("ann");
    writeFileSync(join(folder, "server.stdout.10"), "ins game\n");
    await joined("bob");
    writeFileSync(join(folder, "server.stdout.11"), "14: cleo joins game\n");
    await joined("cleo");
    expect(players()).toEqual(["+ann", "+bob", "+cleo"]);
  });

  test("that is cut off in place is begun again", async () => {
    writeFileSync(file, "");
    start();
    appendFileSync(file, `${"x".repeat(5_000)}\n1: ann joins game\nhalf a li`);
    await joined("ann");
    // The tail has read the rest too once a later line came through.
    appendFileSync(file, "ne\n2: bob joins game\n");
    await joined("bob");
    truncateSync(file);
    appendFileSync(file, "3: cas joins game\n");
    await joined("cas");
    expect(players()).toEqual(["+ann", "+bob", "+cas"]);
    expect(statSync(file).size).toBeLessThan(100);
  });

  test("of many megabytes comes through whole", async () => {
    writeFileSync(file, "");
    start();
    const lines = Array.from(
      { length: 60_000 },
      (_, n) => `${n}: ${n % 1000 === 0 ? `p${n} joins game` : "x".repeat(50)}\n`,
    );
    appendFileSync(file, lines.join(""));
    await joined("p59000");
    expect(players()).toHaveLength(60);
  });

  test("with a pattern that never ends on a player's line: the line is passed over, the pattern at last given up", async () => {
    start({ joined: "^(\\w+\\s?)+ joins game$", left: patterns.left });
    const trap = `${"a".repeat(60)}! joins game\n`;
    writeFileSync(file, `ann joins game\n${trap}ann leaves game\n`);
    await heard.hears("playerLeft");
    expect(warnings).toEqual([]);
    appendFileSync(file, `${trap}${trap}bob joins game\nbob leaves game\n`);
    await heard.hears("playerLeft", ({ player }) => player === "bob");
    expect(warnings).toEqual([expect.stringMatching(/"joined" of server s1 took too long/)]);
    expect(players()).not.toContain("+bob");
  });

  test.each([
    [{ joined: "(", left: "(a)" }, /log\.joined = "\(" is no regular expression/],
    [{ joined: "(a)", left: "gone" }, /log\.left = "gone" has no group for the player's name/],
  ])("with patterns %j is refused", (log, message) => expect(() => start(log)).toThrow(message));
});

describe("lines", () => {
  test("are the same however the bytes are cut", () => {
    const text = fc
      .array(fc.constantFrom("a", "ü", "\n", "\r\n", "日", "\u001b[31m", " "), { maxLength: 60 })
      .map((all) => all.join(""));
    fc.assert(
      fc.property(text, fc.array(fc.nat(200), { maxLength: 8 }), (content, cuts) => {
        const bytes = Buffer.from(content);
        const at = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
        const reader = new LogLines();
        const lines = at.slice(1).flatMap((end, index) => reader.push(bytes.subarray(at[index], end)));
        const expected = content.split("\n").map((line) => line.replace(/\r$/, "").replaceAll("\u001b[31m", ""));
        const last = content.slice(content.lastIndexOf("\n") + 1);
        expect(lines).toEqual(expected.slice(0, -1));
        expect(reader.end()).toBe(last === "" ? undefined : expected.at(-1));
      }),
    );
  });

  test("are only as long as is useful, whatever comes", () => {
    const reader = new LogLines();
    for (let n = 0; n < 100; n++) expect(reader.push(Buffer.alloc(64 * 1024, "x"))).toEqual([]);
    expect(reader.push(Buffer.from("\nnext\n"))).toEqual(["x".repeat(MAX_LINE_BYTES), "next"]);
  });
});

test("a group named player goes before the first group", () => {
  const matcher = new LineMatcher({ joined: /(a)(?<player>b)?/, other: /(c)|d/ }, () => undefined);
  expect(matcher.match(["ab", "a", "dc", "e"])).toEqual([
    { pattern: "joined", player: "b" },
    { pattern: "joined", player: "a" },
    { pattern: "other", player: "" },
  ]);
});
