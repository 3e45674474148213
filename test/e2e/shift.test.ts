import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { ShiftStatus } from "../../controller/api/schemas/shift";
import { forge } from "../cli/forge-process";
import { ForgeRun } from "./forge-run";
import { buildPocketGame, pocketExperience } from "./pocket";

/** TEST DOUBLE of Agones' allocator service: its REST call, a server more each time. */
class AgonesDouble {
  readonly asked: { namespace: string; gameServerSelectors: unknown }[] = [];
  private constructor(private readonly server: Server) {}

  static async start(): Promise<AgonesDouble> {
    const server = createServer((request, response) => {
      let text = "";
      request.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      request.on("end", () => {
        double.asked.push(JSON.parse(text) as (typeof double.asked)[number]);
        response.setHeader("content-type", "application/json");
        response.end(
          JSON.stringify({
            gameServerName: `arena-${double.asked.length}`,
            ports: [{ name: "default", port: 7000 + double.asked.length }],
            address: "192.0.2.7",
            nodeName: "node-1",
          }),
        );
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const double = new AgonesDouble(server);
    return double;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

const UNREACHABLE: { readonly status: number; readonly body: Match } = { status: 503, body: { connection: "" } };

interface Match {
  readonly source?: "agones";
  readonly connection: string;
}

test("new matches are shared out in steps, over the death of the controller, and all go back by one command", async () => {
  const agones = await AgonesDouble.start();
  const { file, remove } = buildPocketGame();
  const config = `
[[regions]]
name = "one"
engine = "embedded"
${pocketExperience(file)}
scaling = { min_servers = 5, max_servers = 7 }
`;
  const run = await ForgeRun.start({ config, args: ["--no-demo", "--processes"] });
  const shift = async (...args: readonly string[]): Promise<ShiftStatus> => {
    const { code, out, err } = await forge(["shift", ...args, "--json"], run.folder.path);
    if (code !== 0) throw new Error(`forge shift ${args.join(" ")}: ${code} ${err}`);
    return JSON.parse(out) as ShiftStatus;
  };
  const matches = new Map<string, Match>();
  const allocate = async (count: number): Promise<readonly string[]> => {
    const sources: string[] = [];
    for (let at = 0; at < count; at++) {
      const matchId = `match-${matches.size}`;
      const body = { experienceId: "pocket", matchId, players: [{ playerId: `p-${matchId}` }] };
      // As backends do while a leader is away: the same match again.
      const { body: match } = await run.until(
        () => run.call<Match>("POST", "/v1/allocations", body).catch(() => UNREACHABLE),
        ({ status }) => status === 200,
      );
      matches.set(matchId, match);
      sources.push(match.source ?? "forge");
    }
    return sources;
  };
  try {
    // Without a plan it is Forge's.
    expect(await allocate(1)).toEqual(["forge"]);
    // Two at Forge end a step; one of each controller's does not, however long that takes.
    run.folder.write("plan.toml", "steps = [25, 50, 100]\n[gate]\nholdSecs = 2\nminMatches = 2\nmaxP99Ms = 60000\n");
    const plan = [
      "--experience",
      "pocket",
      "--agones",
      agones.url,
      "--namespace",
      "games",
      "--fleet",
      "arena",
      "--file",
      "plan.toml",
    ];
    expect((await shift("plan", ...plan)).plan).toMatchObject({ state: "planned", steps: [25, 50, 100] });
    expect((await shift("start")).plan).toMatchObject({ state: "running", share: 25 });

    const quarter = ["agones", "agones", "agones", "forge"];
    expect(await allocate(8)).toEqual([...quarter, ...quarter]);
    expect(agones.asked[0]).toMatchObject({
      namespace: "games",
      gameServerSelectors: [{ matchLabels: { "agones.dev/fleet": "arena" } }],
    });
    expect(matches.get("match-1")).toMatchObject({ source: "agones", connection: "192.0.2.7:7001" });

    await run.until(
      () => shift("status"),
      ({ plan: { step } }) => step === 1,
    );
    expect(await allocate(2)).toEqual(["agones", "forge"]);
    const [name = ""] = Object.keys(run.ready.processes).filter((each) => each.includes("controller"));
    process.kill(run.ready.processes[name] ?? 0, "SIGKILL");
    // The next one knows the plan by what was written alone: whose turn it was may have been written between two matches.
    expect([...(await allocate(2))].sort()).toEqual(["agones", "forge"]);

    expect((await shift("abort")).plan).toMatchObject({ state: "aborted", share: 0 });
    expect(await allocate(3)).toEqual(["agones", "agones", "agones"]);
    expect([...matches.values()].every(({ connection }) => connection !== "")).toBe(true);
  } finally {
    await run.end();
    await run.dispose();
    await agones.stop();
    remove();
  }
}, 240_000);
