import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSync } from "esbuild";
import type { Placement, Server } from "../../controller/core/resources";
import type { ForgeRun } from "./forge-run";
import type { Loose, LooseRecord } from "./loose";

/** Makes one file of the pocket game, SDK and all; `remove` takes it away again. */
export function buildPocketGame(): { readonly file: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), "forge-pocket-"));
  const file = join(folder, "pocket-game.js");
  const entryPoints = [join(__dirname, "pocket-game.ts")];
  buildSync({ entryPoints, outfile: file, bundle: true, platform: "node", target: "node20", format: "cjs" });
  return { file, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/**
 * `[experiences.pocket]` as far as it is the same for all tests; more of its keys may follow. By its `cpu` it weighs as much
 * as any other process: with a tenth of that it had no turn to say that it is well for two seconds of a busy machine.
 */
export function pocketExperience(file: string): string {
  return `
[experiences.pocket]
command = "${file}"
version = "1.0.0"
max_players = 2
cpu = 1000
memory = 96
ports = { game = "http" }
stop = { grace_secs = 3 }
`;
}

/** Health as quick as it gets, for servers that hang, and not so quick that one is given up for being slow. */
export const QUICK_HEALTH = `
[health]
check_interval_secs = 1
timeout_secs = 1
unhealthy_threshold = 4
healthy_threshold = 1
`;

export interface PocketState {
  readonly pid: number;
  readonly sdk: { readonly url: string; readonly token: string };
  readonly info: LooseRecord;
  readonly players: Readonly<Record<string, { readonly score: number; readonly restoredAgeMs: number | null }>>;
}

/** One server of the pocket game, as its players reach it. */
export class PocketServer {
  private constructor(
    readonly id: string,
    private readonly url: string,
  ) {}

  static at({ id, address, ports }: Placement["server"] | Server): PocketServer {
    return new PocketServer(id, `http://${address}:${ports.game}`);
  }

  static async of(run: ForgeRun, serverId: string): Promise<PocketServer> {
    return PocketServer.at(await run.ask<Server>("GET", `/v1/servers/${serverId}`));
  }

  async post<T = Loose>(path: string, body: unknown = {}): Promise<T> {
    const response = await fetch(this.url + path, { method: "POST", body: JSON.stringify(body) });
    const answer = (await response.json()) as T;
    if (response.status !== 200) throw new Error(`POST ${path} at ${this.id}: ${JSON.stringify(answer)}`);
    return answer;
  }

  async get<T = Loose>(path: string): Promise<T> {
    return (await (await fetch(this.url + path)).json()) as T;
  }

  state(): Promise<PocketState> {
    return this.get<PocketState>("/state");
  }

  join(ticket: string): Promise<LooseRecord> {
    return this.post("/join", { ticket });
  }

  /** The first notice of this name, once the server has heard it. */
  told(event: "draining" | "moved" | "stopping"): Promise<LooseRecord> {
    return this.get(`/told?event=${event}`);
  }
}
