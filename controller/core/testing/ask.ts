import type { Command } from "../input";
import { RegionDouble } from "./region-double";
import { testExperience, testSettings } from "./settings-double";

/** A region with one experience, `arena`, that is up. */
export function arena(
  over: Parameters<typeof testExperience>[1] = {},
  nodes: readonly string[] = ["n1"],
): RegionDouble {
  return new RegionDouble(testSettings([testExperience("arena", over)]), nodes).start();
}

type Join = Omit<Extract<Command, { type: "createSession" }>, "type" | "playerId" | "experienceId">;

export function join(playerId: string, more: Join = {}): Command {
  return { type: "createSession", playerId, experienceId: "arena", ...more };
}

export const servers: Command = { type: "listServers" };
export const sessions: Command = { type: "findSessions" };

/** The code of a reply that is a problem; `ok` where it is none. */
export function code(result: ReturnType<RegionDouble["call"]>): string {
  return result.ok ? "ok" : result.problem.code;
}
