import { bar, element, setBar, setHidden, setState, setText, syncChildren } from "./dom.js";
import { formatCount, formatShare } from "./format.js";

/** Five minutes of looks. */
const SAMPLES = 150;
const WIDTH = 240;
const HEIGHT = 40;
const SVG = "http://www.w3.org/2000/svg";

/** Cards of regions: state, seats, load, and how many players there were lately. */
export class RegionsView {
  constructor(parent, actions) {
    this.parent = parent;
    this.actions = actions;
    this.history = new Map();
    /** What each card shows now. */
    this.shown = new WeakMap();
  }

  show(regions) {
    for (const { name, players } of regions) {
      const samples = this.history.get(name) ?? [];
      samples.push(players);
      if (samples.length > SAMPLES) samples.shift();
      this.history.set(name, samples);
    }
    const sorted = [...regions].sort((a, b) => a.name.localeCompare(b.name));
    syncChildren(
      this.parent,
      sorted,
      ({ name }) => name,
      (region) => this.create(region),
      (card, region) => this.update(card, region),
    );
  }

  create(region) {
    const card = create(region);
    if (!this.actions.may("drainRegion")) return card;
    const button = element("button.quiet", { type: "button", "data-part": "drain" });
    button.addEventListener("click", () => {
      const now = this.shown.get(card);
      if (now.state === "draining") this.actions.undrainRegion(now);
      else this.actions.drainRegion(now);
    });
    card.querySelector(".leader").append(button);
    return card;
  }

  update(card, region) {
    this.shown.set(card, region);
    const { state, seats, cpu, servers, players, queued, nodes, leader } = region;
    const part = (name) => card.querySelector(`[data-part=${name}]`);
    setState(part("state"), state);
    setBar(part("seats"), ratio(seats.held, seats.total), `${formatCount(seats.held)} of ${formatCount(seats.total)}`);
    setBar(part("cpu"), cpu, formatShare(cpu));
    setText(part("servers"), formatCount(servers));
    setText(part("players"), formatCount(players));
    setText(part("queued"), formatCount(queued));
    part("queued").dataset.level = queued > 0 ? "high" : "usual";
    setText(part("leader"), leader === null ? "no leader" : `led by ${leader}`);
    part("leader").dataset.level = leader === null ? "high" : "usual";
    syncChildren(part("nodes"), nodes, ({ id }) => id, createNode, updateNode);
    const drain = part("drain");
    if (drain) {
      setText(drain, state === "draining" ? "Open again…" : "Drain…");
      setHidden(drain, state === "down");
    }
    drawLine(part("line"), this.history.get(region.name), Math.max(seats.total, 1));
  }
}

function create({ name }) {
  const fact = (label, key) => element("div", {}, element("dt", {}, label), element("dd", { "data-part": key }));
  const meter = (label, key) => {
    const made = bar(key);
    made.dataset.part = key;
    return element("div.meter", {}, element("span.label", {}, label), made);
  };
  const line = document.createElementNS(SVG, "svg");
  line.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  line.setAttribute("preserveAspectRatio", "none");
  line.setAttribute("role", "img");
  line.setAttribute("aria-label", `players in ${name} lately`);
  line.setAttribute("class", "line");
  line.dataset.part = "line";
  for (const kind of ["area", "stroke"]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", kind);
    line.append(path);
  }
  return element(
    "article.card",
    {},
    element("header", {}, element("h3", {}, name), element("span.state", { "data-part": "state" })),
    line,
    meter("Seats", "seats"),
    meter("CPU", "cpu"),
    element("dl.facts", {}, fact("Players", "players"), fact("Servers", "servers"), fact("Queue", "queued")),
    element("ul.nodes", { "data-part": "nodes", "aria-label": `nodes of ${name}` }),
    element("p.leader", {}, element("span", { "data-part": "leader" })),
  );
}

function createNode() {
  return element("li.node", {}, element("span.dot"), element("span.name"));
}

function updateNode(item, { id, state, address, servers }) {
  item.dataset.state = state;
  setText(item.querySelector(".name"), `${id}: ${servers} ${servers === 1 ? "server" : "servers"}`);
  item.title = `${address}, ${state}; servers of fleet roles are counted here too`;
}

/** The newest look is at the right end. */
function drawLine(svg, samples, most) {
  const step = WIDTH / (SAMPLES - 1);
  const points = samples.map((value, index) => {
    const x = WIDTH - (samples.length - 1 - index) * step;
    return [x.toFixed(1), (HEIGHT - 2 - (Math.min(value, most) / most) * (HEIGHT - 4)).toFixed(1)];
  });
  const [area, stroke] = svg.children;
  const path = points.map(([x, y], index) => `${index === 0 ? "M" : "L"}${x} ${y}`).join("");
  stroke.setAttribute("d", path);
  area.setAttribute("d", `${path}L${WIDTH} ${HEIGHT}L${points[0][0]} ${HEIGHT}Z`);
}

export function ratio(part, whole) {
  if (whole > 0) return part / whole;
  return part > 0 ? 2 : 0;
}
