import { element, setHidden, setText } from "./dom.js";
import { formatTime } from "./format.js";

/** Lines that are kept; older ones go. */
const MAX_LINES = 300;
/** Without players coming and going: what an operator looks for. */
const WITHOUT_PLAYERS =
  "server.*,failover,scaling,rollout,node.*,region.*,leader.changed,config.changed,config.rejected,session.migrating,session.moved,session.lost";

const LEVELS = {
  failover: "bad",
  "server.unhealthy": "bad",
  "session.lost": "bad",
  "node.down": "bad",
  "server.suspect": "odd",
  "node.suspect": "odd",
  "server.blocked": "odd",
  "session.migrating": "odd",
  "session.moved": "odd",
  "server.draining": "slow",
  "region.draining": "slow",
  "session.queued": "slow",
  "server.ready": "good",
  "server.replaced": "good",
  "node.connected": "good",
  scaling: "plan",
  rollout: "plan",
  "config.changed": "plan",
  "config.rejected": "odd",
  "leader.changed": "plan",
};

/** The live feed. Lines are put in once a frame at most, however fast events come. */
export class EventsView {
  constructor({ list, empty, pause, players }, { onTypes, onServer }) {
    this.list = list;
    this.empty = empty;
    this.waiting = [];
    this.scheduled = false;
    this.paused = false;
    this.onServer = onServer;
    pause.addEventListener("click", () => {
      this.paused = !this.paused;
      pause.setAttribute("aria-pressed", String(this.paused));
      setText(pause, this.paused ? "Go on" : "Pause");
      this.schedule();
    });
    this.players = players;
    players.addEventListener("change", () => onTypes(this.types));
  }

  /** What to ask for, as the API takes it; "" for everything. */
  get types() {
    return this.players.checked ? "" : WITHOUT_PLAYERS;
  }

  add(event) {
    this.waiting.push(event);
    if (this.waiting.length > MAX_LINES) this.waiting.shift();
    this.schedule();
  }

  note(text) {
    this.add({ type: "note", region: "", at: new Date().toISOString(), reason: text });
  }

  schedule() {
    if (this.scheduled || this.paused || this.waiting.length === 0) return;
    this.scheduled = true;
    requestAnimationFrame(() => {
      this.scheduled = false;
      this.flush();
    });
  }

  flush() {
    if (this.paused) return;
    // Who has scrolled down reads: the list must not move under them.
    const reading = this.list.scrollTop > 4;
    const before = this.list.scrollHeight;
    // Newest first. Regions tell theirs without an order between them; those of one instant stay as they came.
    const newest = this.waiting.reverse().sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
    const lines = newest.map((event) => this.line(event));
    this.waiting = [];
    this.list.prepend(...lines);
    while (this.list.childElementCount > MAX_LINES) this.list.lastElementChild.remove();
    if (reading) this.list.scrollTop += this.list.scrollHeight - before;
    setHidden(this.empty, this.list.childElementCount > 0);
  }

  line(event) {
    const about = aboutOf(event);
    const subject = event.serverId ? this.serverButton(event.serverId, about) : element("span.about", {}, about);
    return element(
      "li.event",
      { "data-level": LEVELS[event.type] ?? "usual" },
      element("time", { datetime: event.at }, formatTime(event.at)),
      element("span.type", {}, typeOf(event)),
      element("span.where", { title: event.region }, event.region),
      subject,
      element("span.reason", {}, event.reason),
    );
  }

  serverButton(serverId, text) {
    const button = element("button.link.about", { type: "button" }, text);
    button.addEventListener("click", () => this.onServer(serverId));
    return button;
  }
}

function typeOf(event) {
  if (event.type === "failover") return `failover ${event.step}`;
  if (event.type === "rollout") return `rollout ${event.step}`;
  return event.type === "scaling" ? `scaling ${event.action}` : event.type;
}

function aboutOf(event) {
  if (event.type === "scaling") return `${event.experienceId} ${event.from} → ${event.to}`;
  if (event.type === "rollout") return `${event.experienceId} ${event.fromVersion} → ${event.toVersion}`;
  if (event.playerId !== undefined) return event.serverId ? `${event.playerId} on ${event.serverId}` : event.playerId;
  return event.serverId ?? event.detail?.nodeId ?? "";
}
