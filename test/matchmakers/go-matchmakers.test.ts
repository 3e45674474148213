import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Server } from "../../controller/core/resources";
import { ForgeRun } from "../e2e/forge-run";
import { buildPocketGame } from "../e2e/pocket";
import { findProgram, skipUnless } from "../skips";
import { MatchFunction } from "./match-function";
import { HAS_OPEN_MATCH, OpenMatch } from "./open-match";
import { OpenMatchDouble } from "./open-match-double";
import { assignmentOf, wants } from "./open-match-tickets";

jest.setTimeout(180_000);

const EXAMPLES = join(__dirname, "../../examples");
const GO = findProgram("go");
const run = promisify(execFile);

/** One that is in the module cache: a test fetches nothing. */
function hasModule(path: string): boolean {
  if (GO === undefined) return false;
  const cache = execFileSync(GO, ["env", "GOMODCACHE"], { cwd: EXAMPLES }).toString().trim();
  return existsSync(join(cache, path));
}
const HAS_NAKAMA = hasModule("github.com/heroiclabs/nakama-common@v1.36.0");

skipUnless(
  "Go matchmakers",
  "go is not installed",
  GO !== undefined,
)("matchmakers in Go", () => {
  const game = buildPocketGame();
  const folder = mkdtempSync(join(tmpdir(), "forge-go-"));
  let forge: ForgeRun;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    const experience = (name: string): string => `
[experiences.${name}]
command = "${game.file}"
max_players = 4
seats = "match"
cpu = 100
memory = 96
ports = { game = "http" }
scaling = { min_servers = 1, max_servers = 3 }
`;
    // Nakama's test looks at all that is allocated of its experience.
    const config = `[[regions]]\nname = "east"\n${experience("duel")}${experience("nakama")}`;
    forge = await ForgeRun.start({ config, args: ["--no-demo"] });
    await forge.server("duel");
    const ask = { role: "allocator", sub: "director", regions: ["*"] };
    const { token } = await forge.ask<{ readonly token: string }>("POST", "/v1/tokens", ask);
    const offline = { GOFLAGS: "-mod=mod", GOPROXY: "off" };
    env = { ...process.env, ...offline, FORGE_ADDR: forge.url, FORGE_EXPERIENCE: "duel", FORGE_TOKEN: token };
  });
  afterAll(async () => {
    await forge.dispose();
    game.remove();
    rmSync(folder, { recursive: true });
  });

  describe("the Open Match director of examples/open-match", () => {
    const director = join(folder, "director");
    beforeAll(() => run(GO ?? "", ["build", "-o", director, "."], { cwd: join(EXAMPLES, "open-match"), env }));

    /** Two players want to play; one round of the director later they have a server, and each a ticket of their own. */
    async function playsOn(openMatch: { readonly url: string }, players: readonly string[], matchFunction: string) {
      const tickets = await Promise.all(players.map((player) => wants(openMatch.url, player, { east: 12 })));
      const profile = JSON.stringify({ name: "pairs", pools: [{ name: "everyone" }] });
      const args = ["-once", "-open-match", openMatch.url, "-function", matchFunction, "-profile", profile];
      const { stdout } = await run(director, args, { env });
      expect(stdout).toBe("1 matches play\n");
      const assigned = await Promise.all(tickets.map((ticket) => assignmentOf(openMatch.url, ticket)));
      const [first, second] = assigned;
      expect(first?.connection).toMatch(/^127\.0\.0\.1:\d+$/);
      expect(second?.connection).toBe(first?.connection);
      const shown = assigned.map((assignment) => assignment?.extensions["forge.ticket"]?.value);
      expect(new Set(shown).size).toBe(2);
      const { items } = await forge.ask<{ readonly items: readonly Server[] }>("GET", "/v1/servers?state=allocated");
      const server = items.find(({ address, ports }) => `${address}:${ports["game"]}` === first?.connection);
      expect(server).toMatchObject({ players: 2, matchId: expect.stringMatching(/^om-/) });
    }

    it("gives a match of a double of Open Match a server", async () => {
      const double = await OpenMatchDouble.start();
      try {
        await playsOn(double, ["ann", "bob"], '{"host": "nobody", "port": 1, "type": "REST"}');
      } finally {
        await double.stop();
      }
    });

    skipUnless(
      "Open Match",
      "open-match-minimatch, open-match-evaluator and redis-server are not all here; docs/testing.md says how they are built",
      HAS_OPEN_MATCH,
    )("with Open Match itself", () => {
      it("gives its match a server", async () => {
        const openMatch = await OpenMatch.start();
        const matchFunction = await MatchFunction.start(openMatch.url);
        try {
          await playsOn(openMatch, ["cid", "dee"], matchFunction.config);
        } finally {
          await matchFunction.close();
          await openMatch.stop();
        }
      });
    });

    it("says what went wrong, and gives players back to the pool", async () => {
      const double = await OpenMatchDouble.start();
      try {
        await wants(double.url, "eve", {});
        const args = ["-once", "-open-match", double.url, "-function", "{}"];
        const failed = run(director, args, { env: { ...env, FORGE_EXPERIENCE: "none" } });
        await expect(failed).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining("unknownExperience") });
        const { stdout } = await run(director, args, { env });
        expect(stdout).toBe("1 matches play\n");
      } finally {
        await double.stop();
      }
    });
  });

  skipUnless(
    "Nakama's module for Go",
    "run `go mod download` in examples/nakama once",
    HAS_NAKAMA,
  )("the Nakama fleet manager of examples/nakama", () => {
    it("is built as a plugin's code and passes its test against this region", async () => {
      const room = await run(GO ?? "", ["test", "-count=1", "./..."], {
        cwd: join(EXAMPLES, "nakama"),
        env: { ...env, FORGE_EXPERIENCE: "nakama" },
      });
      expect(room.stdout).toMatch(/^ok\s/);
    });
  });
});
