import type { Region } from "../../controller/core/resources";
import type { ForgeApi } from "../api";
import type { CliContext, Register } from "../context";
import { errorMessage } from "../error-code";
import { type FedEvent, EventFeed, type FeedListener } from "../event-feed";
import { eventLine } from "../event-line";
import { several, wholeNumber } from "../numbers";

interface EventsOptions {
  readonly follow?: boolean;
  readonly type?: readonly string[];
  readonly server?: string;
  readonly session?: string;
  readonly experience?: string;
  readonly last: number;
}

export const register: Register = (command, context) => {
  command
    .option("-f, --follow", "go on with what happens")
    .option("--type <types>", "only these, separated by commas: server.ready, session.*, failover, scaling", several)
    .option("--server <id>", "only of this server")
    .option("--session <id>", "only of this session")
    .option("--experience <id>", "only of this experience")
    .option("--last <n>", "begin so many events ago, of each region", wholeNumber(0, 10_000), 20)
    .addHelpText("after", "\nA broken connection is made again, and goes on where it was.")
    .action((options: EventsOptions) => run(options, context));
};

async function run(options: EventsOptions, context: CliContext): Promise<void> {
  const { type, server, session, experience, last, follow } = options;
  const api = await context.api();
  const filter = { type: type?.join(","), serverId: server, sessionId: session, experienceId: experience };
  const regions = await regionsToFollow(api, context.options.region);
  const feeds = regions.map((region) => ({ region, feed: new EventFeed(api, { region, filter }) }));

  const earlier = await Promise.all(feeds.map(({ feed }) => feed.earlier(last)));
  for (const fed of inOrder(earlier.flat())) show(fed, context);
  if (follow !== true) return;

  const stop = new AbortController();
  const following = feeds.map(({ region, feed }) =>
    feed.follow(listener(region, context), (ms, signal) => context.io.sleep(ms, signal), stop.signal),
  );
  try {
    await Promise.all(following);
  } finally {
    // One region refused for good: the others end with it.
    stop.abort();
  }
}

/** Regions that are down have no events to tell, and are found again by asking later. */
async function regionsToFollow(api: ForgeApi, region: string | undefined): Promise<readonly string[]> {
  if (region !== undefined) return [region];
  const { items } = await api.get<{ readonly items: readonly Region[] }>("/v1/regions");
  return items.filter(({ state }) => state !== "down").map(({ name }) => name);
}

function inOrder(events: readonly FedEvent[]): FedEvent[] {
  return [...events].sort((a, b) => Date.parse(a.event.at) - Date.parse(b.event.at));
}

function show({ id, event }: FedEvent, { options, io, paints }: CliContext): void {
  io.out(`${options.json ? JSON.stringify({ id, ...event }) : eventLine(event, paints)}\n`);
}

function listener(region: string, context: CliContext): FeedListener {
  let away = false;
  return {
    event: (fed) => show(fed, context),
    gap: () => context.note(`some events of ${region} are missing here: they are no longer held`),
    connected() {
      if (away) context.note(`${region} answers again`);
      away = false;
    },
    disconnected(error) {
      if (!away) context.note(`${region} is away, trying again: ${errorMessage(error)}`);
      away = true;
    },
  };
}
