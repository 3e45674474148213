import { mkdtempSync, rmSync, writeFileSync, readFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { runInfra, type InfraIo } from "../../infra/infra-command";
import { configuredRegion, localRegionOf } from "../../infra/region-of";
import type { LocalRegion } from "../../infra/local/agent-plan";
import type { LocalHost } from "../../infra/local/local-host";
import { regionClients, type RegionClients } from "../../infra/local/region-clients";
import { tokenOf } from "../../infra/local/token-files";
import { programPlaces } from "../../infra/programs";
import { PortSlot } from "./port-slot";
import { findPart } from "./real-parts";

/** `npm test` builds what changed before any test. */
const DIST = join(__dirname, "..", "..", "dist");

/** What of the real programs a region on this machine needs. */
export const HOST_PROGRAMS = {
  available:
    ["nomad", "consul"].every((name) => findPart(name) !== undefined) &&
    ["vault", "bao"].some((name) => findPart(name) !== undefined),
  reason: "nomad, consul, or vault or bao is neither on PATH nor in Forge's cache",
};

/** Tests that take minutes: `npm run verify` runs them, or `FORGE_LONG_TESTS=1`. */
export const LONG_TESTS = {
  available: process.env["FORGE_LONG_TESTS"] === "1",
  reason: "it takes minutes: set FORGE_LONG_TESTS=1",
};

/** Looked into by tests, field by field. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type InfraValue = any;

/** How one `infra` command went. */
export interface InfraRun {
  readonly code: number;
  /** What it printed as JSON. */
  readonly value: InfraValue;
  readonly err: string;
}

/**
 * Real regions of a forge.toml in a temporary folder, on ports that no other test has. End them with `remove()`, which
 * fails where anything of them is left.
 */
export class LocalHosts {
  private constructor(
    readonly folder: string,
    readonly file: string,
    /** With FORGE_PORT_OFFSET; what programs under test are started with. */
    readonly env: Readonly<Record<string, string | undefined>>,
    private readonly names: readonly string[],
    private readonly slot: PortSlot,
  ) {}

  /**
   * @param names of the regions
   * @param more text of the forge.toml behind its regions
   */
  static async create(names: readonly string[] = ["us-east"], more = ""): Promise<LocalHosts> {
    const slot = await PortSlot.take(names.length);
    const folder = mkdtempSync(join(tmpdir(), "forge-hosts-"));
    const file = join(folder, "forge.toml");
    const regions = names.map((name) => `[[regions]]\nname = "${name}"\nengine = "nomad"\nhosts = "local"\n`);
    writeFileSync(file, `${regions.join("\n")}\n${more}`);
    const env = { ...process.env, ...slot.env };
    return new LocalHosts(folder, file, env, names, slot);
  }

  region(name = this.names[0] ?? ""): LocalRegion {
    return localRegionOf(configuredRegion(this.file, name, this.env));
  }

  /** What code under test is given as this machine; `note` gets what it says. */
  host(note: (line: string) => void = () => undefined): LocalHost {
    return {
      env: this.env,
      dist: DIST,
      places: programPlaces(this.env, homedir()),
      now: () => Date.now(),
      pause: (ms) => pause(ms),
      randomBytes,
      note,
    };
  }

  /** HTTP clients of a region's agents, with the tokens that its bootstrap made. Close them. */
  clients(name?: string): RegionClients {
    const { ports, folder } = this.region(name);
    return regionClients(ports, readFileSync(folder.tls("ca.pem"), "utf8"), {
      nomad: () => tokenOf(folder, "nomad"),
      consul: () => tokenOf(folder, "consul"),
      vault: () => tokenOf(folder, "vault"),
    });
  }

  /** Runs `infra ACTION REGION … --json` in this process. */
  async infra(action: string, region = this.names[0] ?? "", ...more: readonly string[]): Promise<InfraRun> {
    let out = "";
    let err = "";
    const io: InfraIo = {
      ...this.host((line) => (err += `${line}\n`)),
      out: (text) => (out += text),
      err: (text) => (err += text),
    };
    const code = await runInfra([action, region, "--config", this.file, "--json", ...more], io);
    return { code, value: out === "" ? undefined : JSON.parse(out), err };
  }

  /** The same, and fails with what it said where its exit code is not 0. */
  async mustInfra(action: string, region = this.names[0] ?? "", ...more: readonly string[]): Promise<InfraValue> {
    const { code, value, err } = await this.infra(action, region, ...more);
    if (code !== 0) throw new Error(`infra ${action} ${region} ended with ${code}: ${err}`);
    return value;
  }

  /** Ends every region and takes its folder away. */
  async remove(): Promise<void> {
    try {
      for (const name of this.names) await this.mustInfra("down", name, "--purge");
      rmSync(this.folder, { recursive: true, force: true });
    } finally {
      this.slot.giveBack();
    }
  }
}
