import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readlinkSync } from "node:fs";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { FORGE } from "../e2e/run-folder";
import { skipUnless } from "../skips";
import { HOST_PROGRAMS, LocalHosts, LONG_TESTS } from "./local-hosts";
import { TERRAFORM } from "./terraform";

const GAMES = `[experiences.arena]
command = "sleep"
args = ["3600"]
driver = "raw_exec"
max_players = 4
sdk = "none"
seats = "observed"
cpu = 50
memory = 32
scaling = { min_servers = 1 }
health = { log = { joined = "joined (.*)", left = "left (.*)" } }
`;

/** One ends with another before its turn comes. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

type Victim = "everything" | "terraform" | "forge";

skipUnless(
  "deploys that are broken off",
  LONG_TESTS.available ? TERRAFORM.reason : LONG_TESTS.reason,
  LONG_TESTS.available && HOST_PROGRAMS.available && TERRAFORM.available,
)("a deploy that is broken off by SIGKILL", () => {
  jest.setTimeout(400_000);
  let hosts: LocalHosts;

  beforeAll(async () => {
    hosts = await LocalHosts.create(["us-east"], GAMES);
  });
  afterAll(async () => {
    // A provider that a killed Terraform was just starting.
    for (const pid of workers()) killIfThere(pid);
    await hosts.remove();
  });

  function deploy(): ChildProcess {
    const { AWS_CA_BUNDLE: _none, ...env } = hosts.env;
    const args = [FORGE, "deploy", "--all", "--yes", "--json"];
    return spawn(process.execPath, args, { cwd: hosts.folder, env, stdio: ["ignore", "pipe", "pipe"] });
  }

  /** Every process that works in the folder of a stack: Terraform, its providers, and what it has started. */
  function workers(): readonly number[] {
    const stacks = join(hosts.folder, ".forge", "terraform");
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => {
        try {
          return readlinkSync(`/proc/${String(pid)}/cwd`).startsWith(stacks);
        } catch {
          return false;
        }
      });
  }

  /**
   * Kills while the `nth` resource of the stack is being made.
   * @returns whether it came to that: of a stack that was broken off before, fewer may be left to make
   * @throws {Error} where the deploy failed by itself
   */
  async function breakAt(stack: string, nth: number, victim: Victim): Promise<boolean> {
    const child = deploy();
    let said = "";
    child.stderr?.on("data", (data: Buffer) => (said += data.toString()));
    const closed = once(child, "close") as Promise<[number | null]>;
    let started = 0;
    for await (const line of createInterface(child.stdout as NodeJS.ReadableStream)) {
      const event = JSON.parse(line) as { readonly stack: string; readonly type: string };
      if (event.stack !== stack || event.type !== "started") continue;
      if (++started < nth) continue;
      if (victim !== "terraform") child.kill("SIGKILL");
      if (victim !== "forge") for (const pid of workers()) killIfThere(pid);
    }
    const [code] = await closed;
    if (started < nth && code !== 0) throw new Error(`forge deploy ended with ${String(code)}: ${said}`);
    return started >= nth;
  }

  async function whole(): Promise<readonly { readonly stack: string; readonly outcome: string }[]> {
    const child = deploy();
    let out = "";
    let said = "";
    child.stdout?.on("data", (data: Buffer) => (out += data.toString()));
    child.stderr?.on("data", (data: Buffer) => (said += data.toString()));
    const [code] = (await once(child, "close")) as [number];
    if (code !== 0) throw new Error(`forge deploy ended with ${String(code)}: ${said}\n${out}`);
    return out
      .split("\n")
      .filter((line) => line.includes('"done"'))
      .map((line) => JSON.parse(line) as { readonly stack: string; readonly outcome: string });
  }

  test("comes to the same end when it is run again, whichever stack it was at and whoever was killed", async () => {
    const ways: readonly (readonly [string, number, Victim])[] = [
      ["us-east-infra", 1, "everything"],
      ["us-east-infra", 1, "forge"],
      ["us-east-consul", 1, "terraform"],
      ["us-east-consul", 4, "everything"],
      ["us-east-vault", 1, "everything"],
      ["us-east-vault", 5, "terraform"],
      ["us-east-nomad", 1, "terraform"],
      ["us-east-nomad", 2, "everything"],
      ["us-east-jobs", 1, "everything"],
      ["us-east-jobs", 3, "forge"],
    ];
    const broken: string[] = [];
    for (const [stack, nth, victim] of ways)
      if (await breakAt(stack, nth, victim)) broken.push(`${stack} ${String(nth)} ${victim}`);
    // Some of the later ones find that too little of their stack was left to make.
    for (const part of ["infra", "consul", "vault", "nomad", "jobs"])
      expect(broken).toContainEqual(expect.stringContaining(`us-east-${part}`));
    await whole();
    expect((await whole()).map(({ outcome }) => outcome)).toEqual(Array(5).fill("unchanged"));
  });
});
