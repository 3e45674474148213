import { Actions } from "./actions.js";
import { Api, ApiError } from "./api.js";
import { Confirm } from "./confirm.js";
import { element, setHidden, setText, syncChildren } from "./dom.js";
import { EventStream } from "./event-stream.js";
import { EventsView } from "./events-view.js";
import { FailoversView } from "./failovers-view.js";
import { FleetsView } from "./fleets-view.js";
import { formatCount } from "./format.js";
import { RegionsView } from "./regions-view.js";
import { Renewal } from "./renewal.js";
import { ServerDetail } from "./server-detail.js";
import { ServersView } from "./servers-view.js";
import { readToken } from "./token.js";

const LOOK_MS = 2000;
/** After an event that changes what is shown, the next look comes so soon. */
const SOON_MS = 250;
/** Servers that are asked for; a larger run is looked at by region or state. */
const MAX_SERVERS = 5000;
const MAX_FLEETS = 1000;

const byId = (id) => document.getElementById(id);

/** Everything that is shown of a run while somebody is signed in. */
export class RunView {
  /**
   * @param {string} token
   * @param {(error: ApiError) => void} onRefused where the token is no good, or no longer
   */
  constructor(token, onRefused) {
    this.api = new Api(token);
    this.onRefused = onRefused;
    this.ended = false;
    this.looking = false;
    /** Names of the regions that answered last. */
    this.up = [];
    this.renewal = new Renewal(this.api);
    this.actions = new Actions(this.api, confirmDialog(), readToken(token)?.role, () => this.lookSoon(0));
    const open = (id) => void this.detail.open(id);
    this.regions = new RegionsView(byId("regions"), this.actions);
    this.fleets = new FleetsView(byId("fleets"), byId("no-fleets"), this.actions);
    this.failovers = new FailoversView(byId("failovers-section"), byId("failovers"), open);
    this.servers = new ServersView(
      {
        head: byId("servers-head"),
        body: byId("servers"),
        empty: byId("no-servers"),
        count: byId("servers-count"),
        filter: byId("servers-filter"),
        region: byId("servers-region"),
        state: byId("servers-state"),
      },
      open,
    );
    this.events = new EventsView(
      { list: byId("events"), empty: byId("no-events"), pause: byId("events-pause"), players: byId("events-players") },
      { onTypes: (types) => this.stream.follow(types), onServer: open },
    );
    this.detail = new ServerDetail(
      { dialog: byId("detail"), title: byId("detail-title"), body: byId("detail-body"), close: byId("detail-close") },
      this.api,
      this.actions,
    );
    this.stream = new EventStream(this.api, {
      onEvent: (event) => this.take(event),
      onGap: ({ region }) => this.events.note(`events${region === undefined ? "" : ` of ${region}`} were missed here`),
      onMissing: ({ region, reason }) => this.events.note(`region ${region} does not answer: ${reason}`),
      onState: (live) => this.showConnection(live),
      onRefused: (error) => this.end(error),
    });
  }

  start() {
    setHidden(byId("run"), false);
    this.onVisible = () => {
      if (!document.hidden) this.lookSoon(0);
    };
    document.addEventListener("visibilitychange", this.onVisible);
    this.renewal.start();
    void this.begin();
  }

  async begin() {
    await this.look();
    await this.stream.beginEarlier(this.up);
    if (!this.ended) this.stream.follow(this.events.types);
  }

  /** @param {ApiError} [error] why; nothing where somebody signed out */
  end(error) {
    if (this.ended) return;
    this.ended = true;
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.onVisible);
    this.stream.stop();
    this.renewal.stop();
    for (const dialog of [byId("confirm"), byId("detail")]) if (dialog.open) dialog.close();
    setHidden(byId("run"), true);
    if (error !== undefined) this.onRefused(error);
  }

  take(event) {
    this.events.add(event);
    this.fleets.note(event);
    this.failovers.note(event);
    if (event.type === "failover") this.failovers.show(this.api.now());
    if (!event.type.startsWith("session.")) this.lookSoon(SOON_MS);
  }

  lookSoon(ms) {
    if (this.ended || this.looking) return;
    const dueMs = performance.now() + ms;
    if (this.timer !== undefined && this.dueMs <= dueMs) return;
    clearTimeout(this.timer);
    this.dueMs = dueMs;
    this.timer = setTimeout(() => void this.look(), ms);
  }

  async look() {
    this.timer = undefined;
    // Nobody sees it; it is looked at when somebody does.
    if (document.hidden) return;
    this.looking = true;
    try {
      this.show(
        ...(await Promise.all([
          this.api.get("/v1/regions"),
          this.api.list("/v1/fleets", MAX_FLEETS),
          this.api.list("/v1/servers", MAX_SERVERS),
        ])),
      );
    } catch (error) {
      if (error instanceof ApiError && (error.status === 401 || error.status === 403)) {
        this.end(error);
        return;
      }
      const words = error instanceof ApiError ? error.message : "the controller does not answer";
      this.trouble([`Shown as last seen: ${words}.`]);
    } finally {
      this.looking = false;
    }
    this.lookSoon(LOOK_MS);
  }

  show({ items: regions }, fleets, servers) {
    const nowMs = this.api.now();
    const running = servers.items.filter(({ state }) => state !== "terminated");
    this.regions.show(regions);
    this.fleets.show(fleets.items, nowMs);
    const names = regions.map(({ name }) => name).sort();
    this.up = regions.filter(({ state }) => state !== "down").map(({ name }) => name);
    this.servers.show(running, { more: servers.more, regions: names, nowMs });
    this.failovers.show(nowMs);
    showTotals(byId("totals"), regions);
    const missing = new Map([...fleets.missing, ...servers.missing].map(({ region, reason }) => [region, reason]));
    this.trouble([...missing].map(([region, reason]) => `Region ${region} is missing here: ${reason}.`));
  }

  trouble(lines) {
    setText(byId("trouble"), lines.join(" "));
    setHidden(byId("trouble"), lines.length === 0);
  }

  showConnection(live) {
    const target = byId("connection");
    target.dataset.state = live ? "live" : "away";
    setText(target, live ? "live" : "reconnecting");
  }
}

function confirmDialog() {
  const part = (name) => byId("confirm").querySelector(`[data-part=${name}]`);
  const names = ["title", "words", "fields", "problem", "cancel", "submit"];
  return new Confirm({ dialog: byId("confirm"), ...Object.fromEntries(names.map((name) => [name, part(name)])) });
}

function showTotals(parent, regions) {
  const sum = (of) => regions.reduce((total, region) => total + of(region), 0);
  const up = regions.filter(({ state }) => state === "up").length;
  const queued = sum((region) => region.queued);
  const tiles = [
    { name: "Regions up", value: `${up}/${regions.length}`, level: up < regions.length ? "high" : "usual" },
    { name: "Servers", value: formatCount(sum((region) => region.servers)), level: "usual" },
    { name: "Players", value: formatCount(sum((region) => region.players)), level: "usual" },
    { name: "Free seats", value: formatCount(sum(({ seats }) => seats.free)), level: "usual" },
    { name: "In the queue", value: formatCount(queued), level: queued > 0 ? "high" : "usual" },
  ];
  syncChildren(
    parent,
    tiles,
    ({ name }) => name,
    ({ name }) => element("div.tile", {}, element("span.value"), element("span.name", {}, name)),
    (tile, { value, level }) => {
      tile.dataset.level = level;
      setText(tile.querySelector(".value"), value);
    },
  );
}
