import type { Register } from "./context";

export interface CommandEntry {
  readonly name: string;
  /** One line, as `forge --help` lists it. */
  readonly summary: string;
  /** Loads the command's file only when it is the one that was asked for. */
  readonly load: () => Promise<{ readonly register: Register }>;
}

/** The one list of commands. docs/cli.md has a row for each. */
export const COMMANDS: readonly CommandEntry[] = [
  { name: "init", summary: "write a forge.toml to start from", load: () => import("./commands/init") },
  { name: "config", summary: "check a forge.toml, or show what is in force", load: () => import("./commands/config") },
  { name: "up", summary: "run the regions of a forge.toml on this machine", load: () => import("./commands/up") },
  { name: "down", summary: "end the run of this folder", load: () => import("./commands/down") },
  { name: "ps", summary: "list servers, sessions, regions, fleets, or who waits", load: () => import("./commands/ps") },
  { name: "events", summary: "what happened, and what happens", load: () => import("./commands/events") },
  { name: "logs", summary: "a server's output", load: () => import("./commands/logs") },
  { name: "console", summary: "a live view of the run in the terminal", load: () => import("./commands/console") },
  { name: "why", summary: "why something was decided", load: () => import("./commands/why") },
  { name: "spawn", summary: "start servers", load: () => import("./commands/spawn") },
  { name: "allocate", summary: "get a whole server for a match", load: () => import("./commands/allocate") },
  { name: "route", summary: "give players seats on a server", load: () => import("./commands/route") },
  { name: "drain", summary: "empty a server or a region", load: () => import("./commands/drain") },
  { name: "stop", summary: "move a server's players and stop it", load: () => import("./commands/stop") },
  { name: "kill", summary: "stop a server now, with players on it", load: () => import("./commands/kill") },
  { name: "restart", summary: "replace a server by a new one", load: () => import("./commands/restart") },
  {
    name: "rollout",
    summary: "take a version in, canary first, or go back",
    load: () => import("./commands/rollout"),
  },
  { name: "sdk", summary: "answer a server's SDK on a desk, without a region", load: () => import("./commands/sdk") },
  { name: "token", summary: "make an API token", load: () => import("./commands/token") },
  { name: "sim", summary: "try to break every promise in virtual time", load: () => import("./commands/sim") },
  { name: "bench", summary: "measure this machine against the targets", load: () => import("./commands/bench") },
  { name: "doctor", summary: "what this machine has and lacks", load: () => import("./commands/doctor") },
  { name: "plan", summary: "what a deploy would change", load: () => import("./commands/plan") },
  { name: "deploy", summary: "make regions what forge.toml says", load: () => import("./commands/deploy") },
  { name: "destroy", summary: "take away what was deployed", load: () => import("./commands/destroy") },
  { name: "region", summary: "start, renew or end one embedded region", load: () => import("./commands/region") },
  { name: "bundle", summary: "write the nodes' programs and their checksums", load: () => import("./commands/bundle") },
  { name: "migrate", summary: "turn Kubernetes manifests into Nomad jobs", load: () => import("./commands/migrate") },
  {
    name: "shift",
    summary: "move new matches from Agones to Forge in steps",
    load: () => import("./commands/shift"),
  },
  { name: "render", summary: "write plain Terraform and job files", load: () => import("./commands/render") },
  { name: "synth", summary: "turn forge.toml into Terraform JSON", load: () => import("./commands/synth") },
];

/** Named in the design and not in this version; README says what is not there yet. */
export const LATER: readonly string[] = ["cost"];
