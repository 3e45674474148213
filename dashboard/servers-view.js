import { bar, element, setBar, setHidden, setState, setText, syncChildren } from "./dom.js";
import { formatBytes, formatCount, formatDuration, formatShare } from "./format.js";
import { ratio } from "./regions-view.js";

/** Rows of the table; what does not fit is counted, and found with the filter. */
const MAX_ROWS = 500;

const STATES = ["ready", "allocated", "reserved", "starting", "draining", "suspect", "unhealthy"];
/** What needs a look comes first. */
const STATE_ORDER = ["unhealthy", "suspect", "draining", "starting", "allocated", "reserved", "ready", "terminated"];

/** `most`: the largest come first where its title is pressed. */
const COLUMNS = [
  { key: "id", title: "Server", of: ({ id }) => id },
  { key: "state", title: "State", of: ({ state }) => STATE_ORDER.indexOf(state) },
  { key: "experience", title: "Experience", of: nameOf },
  { key: "region", title: "Region", of: ({ region }) => region },
  { key: "players", title: "Players", of: ({ players }) => players, most: true },
  { key: "cpu", title: "CPU", of: ({ stats }) => stats?.cpu ?? -1, most: true },
  { key: "memory", title: "Memory", of: ({ stats }) => stats?.memoryBytes ?? -1, most: true, number: true },
  { key: "node", title: "Node", of: ({ nodeId }) => nodeId ?? "" },
  { key: "age", title: "Age", of: ({ createdAt }) => -Date.parse(createdAt), most: true, number: true },
];

/** The table of servers: filtered, sorted, bounded. */
export class ServersView {
  constructor(parts, onOpen) {
    this.parts = parts;
    this.onOpen = onOpen;
    this.servers = [];
    this.more = false;
    this.sort = { key: "state", down: false };
    this.nowMs = 0;
    this.addHead();
    this.fillSelect(parts.state, STATES);
    for (const input of [parts.filter, parts.region, parts.state]) input.addEventListener("input", () => this.render());
  }

  show(servers, { more, regions, nowMs }) {
    this.servers = servers;
    this.more = more;
    this.nowMs = nowMs;
    this.fillSelect(this.parts.region, regions);
    this.render();
  }

  render() {
    const { body, count, empty } = this.parts;
    const found = this.sorted(this.servers.filter((server) => this.fits(server)));
    const shown = found.slice(0, MAX_ROWS);
    syncChildren(
      body,
      shown,
      ({ id }) => id,
      (server) => this.create(server),
      (row, server) => this.update(row, server),
    );
    setHidden(empty, shown.length > 0);
    setText(empty, this.servers.length === 0 ? "No servers." : "No server fits this filter.");
    setText(count, this.countWords(shown.length, found.length));
  }

  countWords(shown, found) {
    const all = `${formatCount(this.servers.length)}${this.more ? " and more" : ""}`;
    if (shown < found) return `the first ${formatCount(shown)} of ${formatCount(found)}: narrow the filter`;
    return found === this.servers.length ? all : `${formatCount(found)} of ${all}`;
  }

  fits(server) {
    const { filter, region, state } = this.parts;
    if (region.value !== "" && server.region !== region.value) return false;
    if (state.value !== "" && server.state !== state.value) return false;
    const words = filter.value.trim().toLowerCase().split(/\s+/);
    const labels = Object.entries(server.labels).map(([key, value]) => `${key}=${value}`);
    const text = [
      server.id,
      nameOf(server),
      server.region,
      server.state,
      server.nodeId ?? "",
      server.version,
      ...labels,
    ];
    const all = text.join(" ").toLowerCase();
    return words.every((word) => all.includes(word));
  }

  sorted(servers) {
    const { key, down } = this.sort;
    const { of } = COLUMNS.find((column) => column.key === key);
    const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
    const byColumn = (a, b) => compare(of(a), of(b)) * (down ? -1 : 1) || compare(a.id, b.id);
    return [...servers].sort(byColumn);
  }

  addHead() {
    for (const { key, title, number, most = false } of COLUMNS) {
      const button = element("button.sort", { type: "button" }, title);
      button.addEventListener("click", () => {
        this.sort = { key, down: this.sort.key === key ? !this.sort.down : most };
        this.markSort();
        this.render();
      });
      this.parts.head.append(element(number ? "th.number" : "th", { scope: "col", "data-column": key }, button));
    }
    this.markSort();
  }

  markSort() {
    for (const head of this.parts.head.children) {
      const on = head.dataset.column === this.sort.key;
      if (on) head.setAttribute("aria-sort", this.sort.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
  }

  fillSelect(select, values) {
    const had = [...select.options].slice(1).map(({ value }) => value);
    if (had.join() === values.join()) return;
    const chosen = select.value;
    select.replaceChildren(select.options[0], ...values.map((value) => element("option", { value }, value)));
    select.value = values.includes(chosen) ? chosen : "";
  }

  create({ id }) {
    const open = element("button.link", { type: "button", title: id }, id);
    open.addEventListener("click", () => this.onOpen(id));
    const players = bar("players");
    const cpu = bar("cpu");
    const cell = (column, ...children) =>
      element(column.number ? "td.number" : "td", { "data-label": column.title, "data-part": column.key }, ...children);
    const inside = { state: [element("span.state")], players: [players], cpu: [cpu] };
    const cells = COLUMNS.slice(1).map((column) => cell(column, ...(inside[column.key] ?? [])));
    const row = element("tr", {}, element("th", { scope: "row" }, open), ...cells);
    // The whole row for a pointer; the button in it for the keyboard.
    row.addEventListener("click", (event) => {
      if (event.target.closest("button") === null && getSelection()?.toString() === "") this.onOpen(id);
    });
    return row;
  }

  update(row, server) {
    const { state, region, role, players, maxPlayers, stats, nodeId, createdAt, reason } = server;
    const part = (name) => row.querySelector(`[data-part=${name}]`);
    setState(part("state").firstChild, state);
    part("state").firstChild.title = reason;
    setText(part("experience"), nameOf(server));
    setText(part("region"), region);
    part("region").title = region;
    // Servers of a fleet role have no seats.
    setHidden(part("players").firstChild, role !== "server");
    setBar(part("players").firstChild, ratio(players, maxPlayers), `${players}/${maxPlayers}`);
    setHidden(part("cpu").firstChild, stats === null);
    setBar(part("cpu").firstChild, stats?.cpu ?? 0, formatShare(stats?.cpu ?? 0));
    setText(part("memory"), stats === null ? "–" : formatBytes(stats.memoryBytes));
    setText(part("node"), nodeId ?? "–");
    part("node").title = nodeId ?? "";
    setText(part("age"), formatDuration(this.nowMs - Date.parse(createdAt)));
  }
}

/** `arena`, or `arena/ai` of a fleet role. */
function nameOf({ experienceId, role }) {
  return role === "server" ? experienceId : `${experienceId}/${role}`;
}
