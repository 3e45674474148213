/** What a benchmark needs beyond Node. */
export type Need = "root" | "nomad" | "consul";

/** A benchmark of bench/, and the rows that its figures fill. */
export interface Benchmark {
  /** What `--only` takes. */
  readonly name: string;
  /** In bench/, without `.ts`. */
  readonly file: string;
  readonly args: readonly string[];
  readonly needs: readonly Need[];
  /** It is ended after so long, in seconds: several times what a quiet machine of two cores needs. */
  readonly withinSecs: number;
  readonly rows: readonly Row[];
}

export interface Row {
  readonly what: string;
  /** The figure that the benchmark tells by this name, and which of its fields. */
  readonly figure: string;
  readonly field: string;
  readonly unit: "/s" | "ms" | "MiB" | "";
  /** Undefined where only the figure is of interest. */
  readonly target: number | undefined;
  /** What the source document says, and the best known elsewhere, as the design's table has them. */
  readonly document: string;
  readonly elsewhere: string;
}

const row = (
  what: string,
  [figure, field]: readonly [string, string],
  unit: Row["unit"],
  target?: number,
  [document, elsewhere]: readonly [string, string] = ["", ""],
): Row => ({ what, figure, field, unit, target, document, elsewhere });

const SPAWN: readonly [string, string] = ["2 to 5 s", "Fly 0.3 s, Gameye 0.5 s (claims), Kubernetes p99 5 s"];
const EXIT: readonly [string, string] = ["1 to 3 s", "Agones 15 s"];

export const BENCHMARKS: readonly Benchmark[] = [
  {
    name: "seats",
    file: "seats",
    args: ["--ways", "together,apart"],
    needs: [],
    withinSecs: 300,
    rows: [
      row("seats, one allocator's token, one process", ["together", "perSecond"], "/s", 10_000),
      row("… p99", ["together", "p99Ms"], "ms", 25),
      row("… share of bare HTTP in the same run", ["together", "ofBare"], ""),
      row("seats, controller and agent apart", ["apart", "perSecond"], "/s", 5000),
      row("… p99", ["apart", "p99Ms"], "ms", 25),
    ],
  },
  {
    name: "player-seats",
    file: "seats",
    args: ["--ways", "together", "--tokens", "each", "--seats", "20000"],
    needs: [],
    withinSecs: 180,
    rows: [row("seats, a token for each player", ["together", "perSecond"], "/s")],
  },
  {
    name: "match-seats",
    file: "seats",
    args: ["--ways", "together,apart", "--players-a-call", "10", "--seats", "40000"],
    needs: [],
    withinSecs: 300,
    rows: [
      row("seats, matches of ten, one process", ["together", "perSecond"], "/s"),
      row("… p99 of a match", ["together", "p99Ms"], "ms"),
      row("seats, matches of ten, controller and agent apart", ["apart", "perSecond"], "/s"),
      row("… p99 of a match", ["apart", "p99Ms"], "ms"),
    ],
  },
  {
    name: "spawn",
    file: "forge-spawn",
    args: ["--ways", "apart", "--parallel", "1"],
    needs: [],
    withinSecs: 300,
    rows: [
      row("spawn to ready, embedded, Node with the SDK, p50", ["small processes apart", "p50Ms"], "ms", 400, SPAWN),
      row("… p99", ["small processes apart", "p99Ms"], "ms", 1500),
      row("… a bare spawn of the same, p50", ["small processes apart", "bareP50Ms"], "ms"),
    ],
  },
  {
    name: "nomad-spawn",
    file: "nomad-spawn",
    args: ["--count", "20"],
    needs: ["root", "nomad"],
    withinSecs: 600,
    rows: ["raw_exec", "exec"].flatMap((driver) => [
      row(`spawn to ready on Nomad, ${driver}, p50`, [driver, "p50Ms"], "ms", 400, SPAWN),
      row("… p99", [driver, "p99Ms"], "ms", 1500),
      row("… started a second, share of plain dispatch", [driver, "startedShare"], "", 0.9, [
        "",
        "Agones 167/s, Nomad 780/s on large clusters",
      ]),
    ]),
  },
  {
    name: "reactions",
    file: "reactions",
    args: [],
    needs: [],
    withinSecs: 600,
    rows: [
      row("threshold crossed to spawn asked, p50", ["threshold", "p50Ms"], "ms", 100, [
        "0.1 to 0.5 s",
        "Agones 30 s tick",
      ]),
      row("exit seen, p50", ["exitSeen", "p50Ms"], "ms", 500, EXIT),
      row("exit told to its players, p50", ["exitTold", "p50Ms"], "ms", 1000, EXIT),
      row("replacement ready, p50", ["exitReplaced", "p50Ms"], "ms", 2000, EXIT),
      row("live config in force, p50", ["config", "p50Ms"], "ms", 250, ["1 to 2 s", ""]),
      row("agent silent: servers suspect, p50", ["silent", "p50Ms"], "ms", 3000, ["", "Nomad about 20 s"]),
    ],
  },
  {
    name: "node-lost",
    file: "node-loss",
    args: [],
    needs: [],
    withinSecs: 300,
    rows: [
      row("node lost: its servers suspect, p50 of 5", ["nodeLost", "suspectP50Ms"], "ms", 3000, [
        "",
        "Nomad about 20 s",
      ]),
      row("… at most", ["nodeLost", "suspectMaxMs"], "ms"),
      row("… engine says that it is down: all its players told their new place, p50", ["nodeLost", "movedP50Ms"], "ms"),
      row("… at most", ["nodeLost", "movedMaxMs"], "ms"),
    ],
  },
  {
    name: "leader-killed",
    file: "leader-kill",
    args: [],
    needs: ["consul"],
    withinSecs: 600,
    rows: [
      row("leader killed to next seat, p50 of 10", ["leaderKilled", "p50Ms"], "ms", 2000, ["", "Agones lease 15 s"]),
      row("… requests without a seat after retries", ["leaderKilled", "failed"], "", 0),
      row("… told seats lost", ["leaderKilled", "lost"], "", 0),
      row("… players with two seats", ["leaderKilled", "doubled"], "", 0),
      row("10,000 players ask at once where they are: all told", ["followers", "allMs"], "ms"),
    ],
  },
  {
    name: "leader-node-lost",
    file: "leader-node-loss",
    args: [],
    needs: ["root", "nomad", "consul"],
    withinSecs: 1200,
    rows: [
      row(
        "leader's node lost (Nomad, nodes are namespaces, all on it killed at once) to next seat, p50 of 3",
        ["leaderNodeLost", "seatP50Ms"],
        "ms",
      ),
      row("… at most", ["leaderNodeLost", "seatMaxMs"], "ms"),
      row("… all its players told their new place, p50", ["leaderNodeLost", "toldP50Ms"], "ms", undefined, [
        "",
        "Nomad about 20 s",
      ]),
      row("… at most", ["leaderNodeLost", "toldMaxMs"], "ms"),
      row("… of them told nothing", ["leaderNodeLost", "untold"], "", 0),
      row("… players lost", ["leaderNodeLost", "lost"], "", 0),
      row("… players with two seats", ["leaderNodeLost", "doubled"], "", 0),
    ],
  },
  {
    name: "agones-allocation",
    file: "agones-allocate",
    args: [],
    needs: [],
    withinSecs: 300,
    rows: [
      row("4,000 allocations by Agones' gRPC call, 40 clients", ["gRPC", "ms"], "ms", 2000, [
        "",
        "Agones 52.6 s (76/s)",
      ]),
      row("… refused", ["gRPC", "refused"], "", 0),
      row("… servers given twice", ["gRPC", "twice"], "", 0),
      row("the same by REST", ["REST", "ms"], "ms", 2000, ["", "Agones 52.6 s (76/s)"]),
      row("… servers given twice", ["REST", "twice"], "", 0),
    ],
  },
  {
    name: "memory",
    file: "run-memory",
    args: ["--what", "real"],
    needs: [],
    withinSecs: 300,
    rows: [
      row("memory a server, Forge's own, 100 real servers", ["100 real servers", "aServer"], "MiB", 16, [
        "10 to 20 MB",
        "Agones 30m CPU a sidecar",
      ]),
      row("… agent and gate", ["100 real servers", "agentAndGate"], "MiB", 124),
    ],
  },
  {
    name: "large-region",
    file: "large-region",
    args: ["--seconds", "120"],
    needs: [],
    withinSecs: 1200,
    rows: [
      row("controller with 10,000 virtual servers and 100,000 sessions", ["largeRegion", "controllerMiB"], "MiB", 191),
      row("… more in the second half of two minutes", ["largeRegion", "controllerGrownMiB"], "MiB"),
      row("… event loop late, p99", ["largeRegion", "lagP99Ms"], "ms"),
      row("… 200 seats a second meanwhile, p99", ["largeRegion", "seatP99Ms"], "ms"),
      row("… refused", ["largeRegion", "refused"], "", 0),
    ],
  },
  ...(["day", "crowd", "hour"] as const).map((plan): Benchmark => {
    const what = {
      day: "simulate a day of 1,000,000 players, 3 visits each",
      crowd: "simulate 1,000,000 players who want in within a minute",
      hour: "simulate 1,000,000 players at once for an hour",
    }[plan];
    return {
      name: `simulate-${plan}`,
      file: "sim-load",
      args: [plan],
      needs: [],
      withinSecs: 3600,
      rows: [
        row(`${what}: CPU`, [plan, "cpuMs"], "ms", 600_000, ["", "none has it"]),
        row("… memory at most", [plan, "mostMiB"], "MiB"),
        row("… left behind", [plan, "left"], "", 0),
      ],
    };
  }),
  {
    name: "migrate",
    file: "migrate-manifests",
    args: [],
    needs: [],
    withinSecs: 300,
    rows: [row("5,000 manifests migrated", ["migrate", "wallMs"], "ms", 30_000, ["", "none accounts for each field"])],
  },
];

/** Whether a figure is as good as its target: rates and shares at least that, times and counts of what went wrong at most. */
export function reached({ unit, target, field }: Row, value: number): boolean | undefined {
  if (target === undefined) return undefined;
  return unit === "/s" || field === "startedShare" ? value >= target : value <= target;
}
