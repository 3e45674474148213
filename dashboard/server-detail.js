import { ApiError } from "./api.js";
import { element, setText } from "./dom.js";
import { formatBytes, formatDuration, formatShare, formatTime } from "./format.js";

const MAX_SESSIONS = 200;
const MAX_CONSIDERED = 50;

/** A server's own page over the others: what it is, who is on it, and why it is as it is. */
export class ServerDetail {
  constructor({ dialog, title, body, close }, api, actions) {
    this.dialog = dialog;
    this.title = title;
    this.body = body;
    this.api = api;
    this.actions = actions;
    this.asked = undefined;
    close.addEventListener("click", () => dialog.close());
    // A click on what is around it; the dialog itself is filled by its children.
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
    dialog.addEventListener("close", () => (this.asked = undefined));
  }

  async open(id) {
    this.asked = id;
    setText(this.title, id);
    this.body.replaceChildren(element("p.minor", {}, "…"));
    if (!this.dialog.open) this.dialog.showModal();
    const path = `/v1/servers/${encodeURIComponent(id)}`;
    const [server, sessions, decision] = await Promise.all([
      settled(this.api.get(path)),
      settled(this.api.list(`${path}/sessions`, MAX_SESSIONS)),
      settled(this.api.get(`/v1/decisions/${encodeURIComponent(id)}`)),
    ]);
    // Another one was opened meanwhile, or none.
    if (this.asked !== id) return;
    this.body.replaceChildren(...this.sections(server, sessions, decision));
  }

  sections(server, sessions, decision) {
    if (server.error) return [element("p.problem", {}, server.error.message)];
    return [
      facts(server.value, this.api.now()),
      section("Why", ...whyOf(server.value, decision)),
      section(sessionsTitle(sessions), ...sessionsOf(sessions, this.api.now())),
      ...this.deeds(server.value),
    ];
  }

  deeds(server) {
    const over = server.state === "terminated" || server.state === "unhealthy";
    if (over || !this.actions.may("endServer")) return [];
    // The question takes the place of the details, which are old once it is answered.
    const button = (words, deed) => {
      const made = element("button.quiet", { type: "button" }, words);
      made.addEventListener("click", () => {
        this.dialog.close();
        deed();
      });
      return made;
    };
    const drain = server.state === "draining" ? [] : [button("Drain…", () => this.actions.drainServer(server))];
    return [
      element(
        "p.deeds",
        {},
        ...drain,
        button("Stop…", () => this.actions.stopServer(server)),
      ),
    ];
  }
}

async function settled(answer) {
  try {
    return { value: await answer };
  } catch (error) {
    return { error };
  }
}

function section(title, ...children) {
  return element("section", {}, element("h3", {}, title), ...children);
}

function facts(server, nowMs) {
  const { state, region, experienceId, version, role, nodeId, address, ports, players, maxPlayers, stats } = server;
  const fact = (label, ...value) => element("div", {}, element("dt", {}, label), element("dd", {}, ...value));
  const named = Object.entries(ports).map(([name, port]) => `${name} ${port}`);
  const pairs = (values) => Object.entries(values).map(([key, value]) => `${key}=${value}`);
  const labels = [...pairs(server.labels), ...pairs(server.annotations)];
  return element(
    "dl.facts.wide",
    {},
    fact("State", element("span.state", { "data-state": state }, state)),
    fact("Experience", `${experienceId} ${version}`),
    ...(role === "server" ? [fact("Players", `${players} of ${maxPlayers}`)] : [fact("Role", role)]),
    fact("Region", region),
    fact("Node", nodeId ?? "–"),
    fact("Address", `${address ?? "–"} ${named.join(", ")}`),
    fact("CPU", stats === null ? "–" : formatShare(stats.cpu)),
    fact("Memory", stats === null ? "–" : formatBytes(stats.memoryBytes)),
    fact("Age", formatDuration(nowMs - Date.parse(server.createdAt))),
    fact("Ready after", readyAfter(server)),
    ...(server.mods.length === 0 ? [] : [fact("Mods", server.mods.join(", "))]),
    ...(server.matchId === null ? [] : [fact("Match", server.matchId)]),
    ...(labels.length === 0 ? [] : [fact("Labels", labels.join(", "))]),
    fact("Allocation", server.allocationId ?? "–"),
  );
}

function readyAfter({ createdAt, readyAt }) {
  return readyAt === null ? "–" : `${Date.parse(readyAt) - Date.parse(createdAt)} ms`;
}

function whyOf({ reason, state }, decision) {
  const now = element("p", {}, `${state}: ${reason}`);
  if (decision.error) {
    const unknown = decision.error instanceof ApiError && decision.error.status === 404;
    const words = unknown ? "No decision about it is held." : decision.error.message;
    return [now, element("p.minor", {}, words)];
  }
  const { kind, at, outcome, reasons, considered } = decision.value;
  const head = element("p", {}, element("strong", {}, kind), ` at ${formatTime(at)}: ${outcome}`);
  const because = element("ul", {}, ...reasons.map((each) => element("li", {}, each)));
  return [now, head, because, ...(considered.length === 0 ? [] : [consideredTable(considered)])];
}

function consideredTable(considered) {
  const parts = [...new Set(considered.flatMap((one) => Object.keys(one.parts)))];
  const number = (value) => (value === undefined ? "–" : String(Math.round(value * 1000) / 1000));
  const rows = considered
    .slice(0, MAX_CONSIDERED)
    .map(({ id, score, parts: own }) => [id, number(score), ...parts.map((part) => number(own[part]))]);
  return table(["Considered"], ["Score", ...parts], rows);
}

/** A table whose first column names its rows; `numbers` are the titles of the columns of numbers at its end. */
function table(titles, numbers, rows) {
  const cell = (value, index) => {
    if (index === 0) return element("th", { scope: "row" }, value);
    return element(index < titles.length ? "td" : "td.number", {}, value);
  };
  const head = [
    ...titles.map((title) => element("th", { scope: "col" }, title)),
    ...numbers.map((title) => element("th.number", { scope: "col" }, title)),
  ];
  const body = rows.map((row) => element("tr", {}, ...row.map(cell)));
  const made = element(
    "table.grid",
    {},
    element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...body),
  );
  return element("div.scroller", {}, made);
}

function sessionsTitle({ value }) {
  if (value === undefined) return "Sessions";
  return `Sessions (${value.items.length}${value.more ? " and more" : ""})`;
}

function sessionsOf({ value, error }, nowMs) {
  if (error) return [element("p.problem", {}, error.message)];
  if (value.items.length === 0) return [element("p.minor", {}, "Nobody is on it.")];
  const rows = value.items.map(({ playerId, state, latencyMs, packetLoss, moves, connectedAt }) => [
    playerId,
    state,
    latencyMs === null ? "–" : `${Math.round(latencyMs)} ms`,
    packetLoss === null ? "–" : formatShare(packetLoss),
    String(moves),
    formatDuration(nowMs - Date.parse(connectedAt)),
  ]);
  return [table(["Player", "State"], ["Latency", "Loss", "Moves", "Since"], rows)];
}
