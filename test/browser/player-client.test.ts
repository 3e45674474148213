import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { buildSync } from "esbuild";
import type { FastifyInstance } from "fastify";
import { buildApi } from "../../controller/api/api";
import { BackendDouble, placementSample, ticketSample } from "../../controller/api/backend-double";
import { Origins } from "../../controller/api/origins";
import { Tokens } from "../../controller/tokens";
import { systemClock } from "../../protocol/clock";
import { skipUnless } from "../skips";
import { chromiumProgram, launchChromium, type LaunchedBrowser } from "./chromium";

// A browser takes its time on a busy machine.
jest.setTimeout(120_000);

const TICKET_SECRET = "ticket secret of one run, for tests only";
const ASK = { playerId: "ann", experienceId: "arena" };
/** What a game's page has of the SDK, and what it does with it. */
const PAGE = `
import { PlayerClient } from "./sdk/src/player";
globalThis.play = async (url, token, ask) => {
  const player = new PlayerClient({ url, token, retryForMs: 0 });
  const latencies = await player.measureLatencies({ local: url });
  try {
    await player.connect(ask);
    await player.report({ latencyMs: 20 });
    const { kind } = await player.follow();
    await player.leave();
    return { measured: Object.keys(latencies), kind };
  } catch ({ name, code, retryAfterSecs }) {
    return { measured: Object.keys(latencies), name, code, retryAfterSecs };
  }
};
`;

const program = chromiumProgram();

skipUnless(
  "A player's client in a browser",
  "chromium is not installed",
  program !== undefined,
)("PlayerClient on a page of the game's own site", () => {
  const tokens = new Tokens("a key of one run, for tests only, long enough", systemClock);
  const origins = new Origins();
  let launched: LaunchedBrowser;
  let site: Server;
  let game: string;
  let backend: BackendDouble;
  let app: FastifyInstance;
  let url: string;

  beforeAll(async () => {
    const resolveDir = join(__dirname, "../..");
    const built = buildSync({ stdin: { contents: PAGE, resolveDir }, bundle: true, write: false, platform: "browser" });
    const script = built.outputFiles[0]?.text ?? "";
    site = createServer((_request, response) => {
      response.writeHead(200, { "content-type": "text/html" }).end(`<script>${script}</script>`);
    });
    await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
    game = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
    launched = await launchChromium(program ?? "");
  });
  afterAll(async () => {
    await launched.close();
    site.closeAllConnections();
    await new Promise((resolve) => site.close(resolve));
  });
  beforeEach(async () => {
    backend = new BackendDouble();
    const place = { ...placementSample(), ticket: ticketSample(TICKET_SECRET) };
    backend
      .when("createSession", () => ({ ok: true, value: place }))
      .when("followSession", () => ({ ok: true, value: place }));
    const options = { ticketSecret: TICKET_SECRET, version: "0.0.0-test", origins };
    app = buildApi({ backend, tokens, clock: systemClock, options });
    url = await app.listen({ host: "127.0.0.1", port: 0 });
  });
  afterEach(() => app.close());

  async function play(): Promise<unknown> {
    const page = await launched.browser.newPage();
    try {
      await page.goto(game);
      const { token } = tokens.mint({ sub: "ann", role: "player", regions: ["*"] });
      return await page.evaluate(`play(${[url, token, ASK].map((value) => JSON.stringify(value)).join(", ")})`);
    } finally {
      await page.close();
    }
  }

  test("measures, connects, reports, follows and leaves where forge.toml lists its origin", async () => {
    origins.set([game]);
    expect(await play()).toEqual({ measured: ["local"], kind: "same" });
    expect(backend.asked.map(({ command }) => command.type)).toEqual([
      "createSession",
      "updateSession",
      "followSession",
      "endSession",
    ]);
  });

  test("is told why not, and when to ask again", async () => {
    origins.set([game]);
    const problem = { code: "queueFull", detail: "the queue is full", retryAfterSecs: 7 } as const;
    backend.when("createSession", () => ({ ok: false, problem }));
    expect(await play()).toEqual({
      measured: ["local"],
      name: "ForgeApiError",
      code: "queueFull",
      retryAfterSecs: 7,
    });
  });

  test("reaches nothing where it does not", async () => {
    origins.set(["http://127.0.0.1:1"]);
    expect(await play()).toMatchObject({ measured: [], name: "ForgeUnreachableError" });
    expect(backend.asked).toEqual([]);
  });
});
