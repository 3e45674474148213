import type { Fleet, ForgeEvent, Region, Server } from "../../controller/core/resources";
import type { ForgeApi, Listed } from "../api";
import type { CliContext, Register } from "../context";
import { errorMessage } from "../error-code";
import { EventFeed, type FeedListener } from "../event-feed";
import { EXIT } from "../exit-code";
import { CliError } from "../failure";
import type { CliTerminal } from "../io";
import { type OverviewState, renderOverview } from "../live-view";

const LOOK_MS = 1000;
const RECENT = 200;
/** What wants no look: every seat of every player. */
const QUIET = new Set<ForgeEvent["type"]>(["session.reserved", "session.joined", "session.left", "session.ended"]);

const ALTERNATE_SCREEN = "\u001b[?1049h\u001b[?25l";
const ORDINARY_SCREEN = "\u001b[?25h\u001b[?1049l";
const HOME = "\u001b[H";
const CLEAR_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";

export const register: Register = (command, context) => {
  command.addHelpText("after", "\nRefreshed each second until q or Ctrl-C.").action(() => run(context));
};

async function run(context: CliContext): Promise<void> {
  const { terminal } = context.io;
  if (!terminal?.takesKeys || context.options.json) {
    const fix = "use `forge ps`, `forge ps --json` or `forge events --follow` instead";
    throw new CliError("noTerminal", EXIT.badInput, "the console is for people at a terminal", fix);
  }
  const api = await context.api();
  const watch = new Watch(api, context);
  // Before the screen is taken: what fails at once is said on the ordinary one.
  await watch.look();

  const stop = new AbortController();
  const offKey = terminal.onKey((key) => {
    if (key === "q" || key === "Q" || key === "\u0003" || key === "\u0004") stop.abort();
  });
  const draw = (): void => context.io.out(screen(watch.state(), terminal, context.io.outColor));
  const offResize = terminal.onResize(draw);
  context.io.out(ALTERNATE_SCREEN);
  try {
    const feeds = watch.follow(stop.signal);
    while (!stop.signal.aborted) {
      draw();
      await context.io.sleep(LOOK_MS, stop.signal).catch(() => undefined);
      if (!stop.signal.aborted) await watch.look();
    }
    await feeds;
  } finally {
    stop.abort();
    offResize();
    offKey();
    context.io.out(ORDINARY_SCREEN);
  }
}

/** Overwrites the screen without clearing it first, which would flicker. */
function screen(state: OverviewState, terminal: CliTerminal, color: boolean): string {
  const { width, height } = terminal.size();
  const lines = renderOverview(state, { width, height: height - 1, color })
    .split("\n")
    .slice(0, height - 1);
  return `${HOME}${lines.map((line) => `${line}${CLEAR_LINE}\n`).join("")}q quits${CLEAR_LINE}${CLEAR_BELOW}`;
}

/** What was seen of the run last; a look that fails keeps it and says so. */
class Watch {
  private regions: readonly Region[] = [];
  private fleets: readonly Fleet[] = [];
  private servers: readonly Server[] = [];
  private recent: ForgeEvent[] = [];
  private notes: readonly string[] = [];
  private looked = false;
  private readonly sinceMs: number;

  constructor(
    private readonly api: ForgeApi,
    private readonly context: CliContext,
  ) {
    this.sinceMs = context.io.now();
  }

  state(): OverviewState {
    const nowMs = this.context.io.now();
    const { regions, fleets, servers, recent, notes } = this;
    return { regions, fleets, servers, recent, notes, nowMs, elapsedMs: nowMs - this.sinceMs };
  }

  /** @throws where nothing was ever seen */
  async look(): Promise<void> {
    const { region } = this.context.options;
    try {
      const [regions, fleets, servers] = await Promise.all([
        this.api.get<{ readonly items: readonly Region[] }>("/v1/regions", { region }),
        this.api.list<Fleet>("/v1/fleets", { region }),
        this.api.list<Server>("/v1/servers", { region }),
      ]);
      this.regions = regions.items;
      this.fleets = fleets.items;
      this.servers = servers.items.filter(({ state }) => state !== "terminated");
      this.notes = missing([fleets, servers]);
      this.looked = true;
    } catch (error) {
      if (!this.looked) throw error;
      this.notes = [`as last seen; ${errorMessage(error)}`];
    }
  }

  async follow(signal: AbortSignal): Promise<void> {
    const sleep = (ms: number, until: AbortSignal): Promise<void> => this.context.io.sleep(ms, until);
    const feeds = this.regions.map(async ({ name: region }) => {
      const feed = new EventFeed(this.api, { region, filter: {} });
      for (const { event } of await feed.earlier(RECENT).catch(() => [])) this.add(event);
      await feed.follow(this.listener(), sleep, signal);
    });
    await Promise.allSettled(feeds);
  }

  private listener(): FeedListener {
    const ignore = (): void => undefined;
    return { event: ({ event }) => this.add(event), gap: ignore, connected: ignore, disconnected: ignore };
  }

  private add(event: ForgeEvent): void {
    if (QUIET.has(event.type)) return;
    this.recent.push(event);
    this.recent.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
    this.recent = this.recent.slice(-RECENT);
  }
}

function missing(lists: readonly Listed<unknown>[]): readonly string[] {
  const reasons = new Map(lists.flatMap((list) => list.missing).map(({ region, reason }) => [region, reason]));
  return [...reasons].map(([region, reason]) => `region ${region} is missing: ${reason}`);
}
