import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { buildSync } from "esbuild";
import { epochKey, leaderKey } from "../../config/region-names";
import { skipUnless } from "../skips";
import { ConsulAgent } from "./consul-agent";
import { findPart } from "./real-parts";

const consulProgram = findPart("consul");

interface Told {
  readonly controllerId: string;
  readonly leader: boolean;
  readonly holding?: boolean;
  readonly epoch: number;
  readonly atMs: number;
}

/** Candidates as programs, and what they say. */
class Candidates {
  readonly told: Told[] = [];
  private readonly running = new Map<string, ChildProcess>();
  private readonly waiting = new Set<() => void>();

  constructor(
    private readonly program: string,
    private readonly address: string,
    private readonly region: string,
  ) {}

  start(name: string): void {
    const args = [this.program, this.address, this.region, name];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    this.running.set(name, child);
    createInterface({ input: child.stdout }).on("line", (line) => {
      this.told.push(JSON.parse(line) as Told);
      for (const look of this.waiting) look();
    });
  }

  signal(name: string, signal: NodeJS.Signals): void {
    this.running.get(name)?.kill(signal);
  }

  /** Resolves once one that matches has been told since `from`. */
  next(matches: (told: Told) => boolean, from = 0): Promise<Told> {
    return new Promise((resolve, reject) => {
      const giveUp = setTimeout(() => {
        this.waiting.delete(look);
        reject(new Error(`nothing of the kind among ${JSON.stringify(this.told)}`));
      }, 45_000);
      const look = (): void => {
        const found = this.told.slice(from).find(matches);
        if (!found) return;
        clearTimeout(giveUp);
        this.waiting.delete(look);
        resolve(found);
      };
      this.waiting.add(look);
      look();
    });
  }

  leads(name: string, from = 0): Promise<Told> {
    return this.next(({ controllerId, leader, holding }) => controllerId === name && leader && !holding, from);
  }

  async end(): Promise<void> {
    for (const child of this.running.values()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await exited;
    }
  }
}

skipUnless(
  "Consul",
  "consul is neither on PATH nor in Forge's cache",
  consulProgram !== undefined,
)("the lock of a region on a real Consul", () => {
  jest.setTimeout(120_000);
  let folder: string;
  let program: string;
  let consul: ConsulAgent;
  let candidates: Candidates;
  let regions = 0;
  let region: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "forge-lock-"));
    program = join(folder, "candidate.js");
    buildSync({
      entryPoints: [join(__dirname, "candidate-program.ts")],
      bundle: true,
      platform: "node",
      target: "node20",
      outfile: program,
      logLevel: "error",
    });
    consul = await ConsulAgent.start(consulProgram ?? "", folder);
  });
  afterAll(async () => {
    await consul?.end();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(() => {
    region = `region-${(regions += 1)}`;
    candidates = new Candidates(program, consul.address, region);
  });
  afterEach(() => candidates.end());

  /** One leads, the other waits for it to be gone. */
  async function elected(): Promise<Told> {
    candidates.start("a");
    const first = await candidates.leads("a");
    candidates.start("b");
    await candidates.next(({ controllerId, leader }) => controllerId === "b" && !leader);
    return first;
  }

  /** Resolves once the other leads, with an epoch more than the last: a leader may have lost a slow Consul's lock and taken it again. */
  async function otherLeads(): Promise<void> {
    const next = await candidates.leads("b");
    const before = candidates.told.slice(0, candidates.told.indexOf(next));
    const epochs = before.filter(({ leader, holding }) => leader && !holding).map(({ epoch }) => epoch);
    expect(next.epoch).toBe(Math.max(...epochs) + 1);
  }

  it("goes to the other when the leader is killed, with a higher epoch", async () => {
    await elected();
    candidates.signal("a", "SIGKILL");
    await otherLeads();
  });

  it("goes to the other when the leader is stopped, and the first knows it at once when it goes on", async () => {
    await elected();
    candidates.signal("a", "SIGSTOP");
    await otherLeads();
    const from = candidates.told.length;
    candidates.signal("a", "SIGCONT");
    // Its first word is not that it leads.
    const word = await candidates.next(({ controllerId }) => controllerId === "a", from);
    expect([word.leader, word.holding]).not.toEqual([true, false]);
    await candidates.next(({ controllerId, leader }) => controllerId === "a" && !leader, from);
  });

  it("is handed over at once by a leader that ends", async () => {
    await elected();
    candidates.signal("a", "SIGTERM");
    await otherLeads();
  });

  it("is got anew by someone when its session is ended by hand", async () => {
    const first = await elected();
    const [held] = await consul.call<readonly { readonly Session: string }[]>("GET", `/v1/kv/${leaderKey(region)}`);
    const from = candidates.told.length;
    await consul.call("PUT", `/v1/session/destroy/${held?.Session ?? ""}`);
    const next = await candidates.next(({ leader, holding }) => leader && !holding, from);
    // The first may be the first to take it again; then nobody has led in between.
    expect(next.epoch).toBe(next.controllerId === "a" ? first.epoch : first.epoch + 1);
    expect(await consul.call("GET", `/v1/kv/${epochKey(region)}?raw`)).toBe(next.epoch);
  });

  it("survives a restart of Consul: the leader holds on, and one leads again", async () => {
    const first = await elected();
    const from = candidates.told.length;
    await consul.end("SIGKILL");
    const holding = await candidates.next(({ leader, holding }) => leader && holding === true, from);
    expect(holding).toMatchObject({ controllerId: "a", epoch: first.epoch });
    const back = candidates.told.length;
    await consul.run();
    const next = await candidates.next(({ leader, holding }) => leader && !holding, back);
    // A Consul that has just begun may lose a session again before the first says anything: each taking is an epoch.
    const least = next.controllerId === "a" ? first.epoch : first.epoch + 1;
    expect(next.epoch).toBeGreaterThanOrEqual(least);
    expect(await consul.call("GET", `/v1/kv/${epochKey(region)}?raw`)).toBeGreaterThanOrEqual(next.epoch);
  });

  it("is held on to by a leader whose Consul answers and has no leader itself, until that has one again", async () => {
    const folders = [1, 2].map((n) => join(folder, `of-two-${n}`));
    for (const each of folders) mkdirSync(each);
    const [near = "", far = ""] = folders;
    const first = await ConsulAgent.start(consulProgram ?? "", near, { servers: 2 });
    const others = [`127.0.0.1:${first.ports.serf}`];
    const second = await ConsulAgent.start(consulProgram ?? "", far, { servers: 2, join: others });
    const alone = new Candidates(program, first.address, region);
    try {
      await Promise.all([first.run(), second.run()]);
      alone.start("a");
      const before = await alone.leads("a");
      const from = alone.told.length;
      await second.end("SIGKILL");
      const holding = await alone.next(({ leader, holding }) => leader && holding === true, from);
      expect(holding).toMatchObject({ controllerId: "a", epoch: before.epoch });
      // It does answer, as a Consul that was killed does not.
      const path = `/v1/kv/${leaderKey(region)}?consistent`;
      await expect(first.call("GET", path)).rejects.toThrow(/ 500 /);
      const back = alone.told.length;
      await second.run();
      expect((await alone.leads("a", back)).epoch).toBeGreaterThanOrEqual(before.epoch);
    } finally {
      await alone.end();
      await Promise.all([first.end(), second.end()]);
    }
  });
});
