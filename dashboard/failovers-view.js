import { element, setHidden, setText, syncChildren } from "./dom.js";
import { formatAfter, formatTime } from "./format.js";

const STEPS = ["detect", "isolate", "migrate", "terminate", "replace"];
const MAX_SHOWN = 6;
/** A failover is new for so long, in milliseconds. */
const NEW_MS = 15_000;

/** Failovers, each with its steps and how long after the first they came. */
export class FailoversView {
  constructor(section, parent, onServer) {
    this.section = section;
    this.parent = parent;
    this.onServer = onServer;
    /** By server, newest last. */
    this.failovers = new Map();
  }

  note(event) {
    if (event.type === "failover") this.step(event);
    else if (event.type === "session.moved" || event.type === "session.lost") this.player(event);
  }

  step({ serverId, region, experienceId, step, at, reason, detail }) {
    const known = this.failovers.get(serverId) ?? {
      serverId,
      region,
      experienceId,
      reason,
      steps: {},
      moved: 0,
      lost: 0,
    };
    known.steps[step] ??= Date.parse(at);
    if (step === "replace") known.replacementId = detail?.replacementId;
    if (typeof detail?.sessions === "number") known.sessions = detail.sessions;
    this.failovers.set(serverId, known);
    while (this.failovers.size > MAX_SHOWN) this.failovers.delete(this.failovers.keys().next().value);
  }

  player({ type, detail, serverId, at }) {
    const known = this.failovers.get(detail?.fromServerId ?? serverId);
    if (known === undefined) return;
    if (type === "session.lost") known.lost += 1;
    else {
      known.moved += 1;
      known.lastMovedMs = Date.parse(at);
    }
  }

  show(nowMs) {
    const newest = [...this.failovers.values()].reverse();
    setHidden(this.section, newest.length === 0);
    syncChildren(
      this.parent,
      newest,
      ({ serverId }) => serverId,
      (failover) => this.create(failover),
      (card, failover) => update(card, failover, nowMs),
    );
  }

  create({ serverId, region, experienceId, reason }) {
    const open = element("button.link", { type: "button" }, serverId);
    open.addEventListener("click", () => this.onServer(serverId));
    const steps = STEPS.map((step) =>
      element("li", { "data-step": step }, element("span.step", {}, step), element("span.after")),
    );
    return element(
      "article.failover",
      {},
      element("header", {}, open, element("span.minor", {}, `${experienceId} in ${region}`), element("time")),
      element("ol.steps", {}, ...steps),
      element("p.minor", { "data-part": "words" }, reason),
    );
  }
}

function update(card, { steps, reason, sessions, moved, lastMovedMs, lost, replacementId }, nowMs) {
  const started = Math.min(...Object.values(steps));
  const time = card.querySelector("time");
  setText(time, formatTime(new Date(started).toISOString()));
  card.dataset.new = String(nowMs - started < NEW_MS);
  for (const item of card.querySelectorAll("[data-step]")) {
    const at = steps[item.dataset.step];
    item.dataset.done = String(at !== undefined);
    setText(item.querySelector(".after"), at === undefined ? "" : formatAfter(at - started));
  }
  const words = [
    reason,
    ...(sessions === undefined ? [] : [`${sessions} ${sessions === 1 ? "player" : "players"} to move`]),
    ...(moved > 0 ? [`${moved} moved by ${formatAfter(lastMovedMs - started)}`] : []),
    ...(lost > 0 ? [`${lost} lost`] : []),
    ...(replacementId === undefined ? [] : [`replaced by ${replacementId}`]),
  ];
  setText(card.querySelector("[data-part=words]"), words.join(" · "));
}
