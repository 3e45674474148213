import { bar, element, setBar, setHidden, setText, syncChildren } from "./dom.js";
import { formatCount, formatDuration } from "./format.js";
import { ratio } from "./regions-view.js";

/** Fleets: what is wanted, what there is, and what was scaled last. */
export class FleetsView {
  constructor(body, empty, actions) {
    this.body = body;
    this.empty = empty;
    this.actions = actions;
    /** By fleet: the last `scaling` event. */
    this.scaled = new Map();
  }

  note(event) {
    if (event.type === "scaling") this.scaled.set(`${event.experienceId} ${event.region}`, event);
  }

  show(fleets, nowMs) {
    const keyOf = ({ experienceId, region, version }) => `${experienceId} ${region} ${version}`;
    const sorted = [...fleets].sort((a, b) => keyOf(a).localeCompare(keyOf(b)));
    setHidden(this.empty, sorted.length > 0);
    syncChildren(
      this.body,
      sorted,
      keyOf,
      (fleet) => create(fleet, this.actions),
      (row, fleet) => this.update(row, fleet, nowMs),
    );
  }

  update(row, fleet, nowMs) {
    const { servers, seats, desired, queued, region, experienceId } = fleet;
    const cell = (name) => row.querySelector(`[data-part=${name}]`);
    setText(cell("region"), region);
    cell("region").title = region;
    setBar(cell("seats"), ratio(seats.held, seats.total), `${formatCount(seats.held)}/${formatCount(seats.total)}`);
    setText(cell("desired"), formatCount(desired));
    setText(cell("ready"), formatCount(servers.ready));
    setText(cell("allocated"), formatCount(servers.allocated + servers.reserved));
    setText(cell("coming"), formatCount(servers.starting));
    setText(cell("going"), formatCount(servers.draining + servers.suspect + servers.unhealthy));
    setText(cell("queued"), formatCount(queued));
    cell("queued").dataset.level = queued > 0 ? "high" : "usual";
    const going = row.querySelector("[data-part=rollout]");
    setText(going, rolloutWords(fleet.rollout));
    going.title = fleet.rollout?.reason ?? "";
    const last = this.scaled.get(`${experienceId} ${region}`);
    const scaled = cell("scaled");
    scaled.dataset.action = last?.action ?? "none";
    setText(scaled, last === undefined ? "none seen" : wordsOf(last, nowMs));
    scaled.title = last?.reason ?? "";
  }
}

/** "→ 2.0.0, canary 10 %": the version that is being taken in. */
function rolloutWords(rollout) {
  if (rollout === null || rollout === undefined) return "";
  const how = rollout.state === "canary" ? `canary ${Math.round(rollout.share * 100)} %` : "rolling";
  return `→ ${rollout.toVersion}, ${how}${rollout.paused ? ", paused" : ""}`;
}

function wordsOf({ action, from, to, at }, nowMs) {
  return `${action === "up" ? "▲" : "▼"} ${from} → ${to}, ${formatDuration(nowMs - Date.parse(at))} ago`;
}

function create({ experienceId, version, kind, region }, actions) {
  const seats = bar("seats");
  seats.dataset.part = "seats";
  const number = (label, part) => element("td.number", { "data-label": label, "data-part": part });
  const name = element(
    "th",
    { scope: "row" },
    experienceId,
    " ",
    element("span.minor.version", { title: version }, `${version} ${kind}`),
    " ",
    element("span.minor", { "data-part": "rollout" }),
  );
  if (actions.may("spawn") && kind !== "world") {
    const words = `Spawn a server of ${experienceId} in ${region}`;
    const spawn = element("button.quiet.spawn", { type: "button", "aria-label": words, title: words }, "+");
    spawn.addEventListener("click", () => actions.spawn({ experienceId, region }));
    name.append(" ", spawn);
  }
  return element(
    "tr",
    {},
    name,
    element("td", { "data-label": "Region", "data-part": "region" }),
    element("td", { "data-label": "Seats" }, seats),
    number("Desired", "desired"),
    number("Ready", "ready"),
    number("Allocated", "allocated"),
    number("Coming", "coming"),
    number("Going", "going"),
    number("Queue", "queued"),
    element("td.scaled", { "data-label": "Last scaling", "data-part": "scaled" }),
  );
}
