import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { untilAgreed } from "../../chaos/agreement";
import { JournalWatch, SeatedTwice } from "../../chaos/journal-watch";
import { olderBuild } from "../../chaos/older-build";
import { Players } from "../../chaos/players";
import { Promises } from "../../chaos/promises";
import { replicaOf, type ChaosRegion } from "../../chaos/region";
import { SeatProbe } from "../../chaos/seat-probe";
import { Stage } from "../../chaos/stage";
import { PROTOCOL_VERSION } from "../../protocol/versions";
import { Random } from "../../sim/random";
import { LONG_TESTS } from "../cluster/local-hosts";
import { findPart } from "../cluster/real-parts";
import { recordFigure } from "../records";
import { skipUnless } from "../skips";
import { until } from "../until";

/** A commit before the protocol got its third version; another may be named. */
const FROM = process.env["FORGE_UPGRADE_FROM"] ?? "bead642";
const HOME = join(__dirname, "..", "..");
const BOTS = 8;
const LOOK_MS = 250;

function isHere(ref: string): boolean {
  try {
    execFileSync("git", ["rev-parse", "--verify", "--quiet", `${ref}^{commit}`], { cwd: HOME, stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const available = LONG_TESTS.available && isHere(FROM);
const reason = LONG_TESTS.available ? `commit ${FROM} is not in this checkout's history` : LONG_TESTS.reason;

skipUnless(
  "an upgrade from an earlier commit",
  reason,
  available,
)("with players on", () => {
  let folder: string;
  let stage: Stage | undefined;
  const cleanUp: (() => unknown)[] = [];

  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), "forge-upgrade-"))));
  afterAll(async () => {
    for (const each of cleanUp) await each();
    await stage?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("controllers and agent are rolled from an earlier commit to this one and back, and nobody is dropped", async () => {
    const older = await olderBuild(FROM, join(folder, "older"));
    const died: string[] = [];
    const consul = findPart("consul");
    const run = join(folder, "run");
    mkdirSync(run);
    stage = await Stage.start({
      folder: run,
      home: older,
      regions: 1,
      consul,
      inside: false,
      onDeath: (program, how) => died.push(`${program}: ${how}`),
    });
    const region = stage.regions[0] as ChaosRegion;
    const beganMs = performance.now();
    const now = (): number => performance.now() - beganMs;
    const promises = new Promises(now, () => undefined);
    const shared = {
      region: region.plan.name,
      urls: region.replicas.map(({ url }) => url),
      token: stage.token("allocator"),
    };
    const players = new Players({ ...shared, count: BOTS, random: new Random("upgrade"), onLine: () => undefined });
    const probe = new SeatProbe({ ...shared, now, promises });
    const watch = new JournalWatch(region.plan.name, region.plan.journalDir, promises);
    const twice = new SeatedTwice(promises);
    const timer = setInterval(() => {
      watch.look(now(), true);
      twice.look([watch], now());
    }, LOOK_MS);
    cleanUp.push(
      () => clearInterval(timer),
      () => players.stop(),
      () => probe.stop(),
    );
    const allPlay = (): Promise<unknown> => until("all bots play", async () => players.playing === BOTS);

    await allPlay();
    for (const home of [HOME, older]) {
      for (const placed of [region.agent, ...(await standbysFirst(region))]) {
        const sinceMs = now();
        await stage.roll(region, placed, home);
        await until("somebody gets a seat", async () => probe.nextSeatMs(sinceMs) !== undefined);
        await allPlay();
        const what = placed.program.name.startsWith("agent") ? "agent" : "controller";
        recordFigure(
          `longest wait for a seat, ${what} rolled ${home === HOME ? "forward" : "back"}`,
          Math.round(probe.longestWaitMs(sinceMs, now())),
          "ms",
        );
      }
    }

    const { lost, told, moved, reconnected, notRestored, wrongStates } = players.tally.counts;
    expect({ lost, told, moved, reconnected, notRestored, wrongStates }).toEqual({
      lost: 0,
      told: 0,
      moved: 0,
      reconnected: 0,
      notRestored: 0,
      wrongStates: 0,
    });
    // An agent of this build spoke with controllers of both.
    const log = readFileSync(join(stage.plan.runDir, "logs", `${region.agent.program.name}.log`), "utf8");
    const spoken = [...log.matchAll(/"protocol":(\d+)/g)].map(([, version]) => Number(version));
    expect(Math.max(...spoken)).toBe(PROTOCOL_VERSION);
    expect(Math.min(...spoken)).toBeLessThan(PROTOCOL_VERSION);
    expect(await untilAgreed(stage, [{ region, watch }], new AbortController().signal)).toEqual([]);
    expect(promises.broken).toEqual([]);
    expect(died).toEqual([]);
  }, 400_000);
});

/** A standby takes over at once from a leader that ends in order, so it is of the new version by then. */
async function standbysFirst(region: ChaosRegion): Promise<ChaosRegion["replicas"]> {
  const leader = await replicaOf(region, "leader");
  return [...region.replicas].sort((a, b) => Number(a === leader) - Number(b === leader));
}
