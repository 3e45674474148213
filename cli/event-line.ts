import type { ForgeEvent } from "../controller/core/resources";
import { formatTime } from "./format";
import { cut, plain } from "./table";
import type { Paints } from "./paint";

const TYPE_WIDTH = 18;
const REGION_WIDTH = 10;

/** An event as one line of at most `width` characters: time, region, type, what it is about, and the reason. */
export function eventLine(event: ForgeEvent, paints: Paints, width = Infinity): string {
  const parts: readonly Part[] = [
    [formatTime(event.at), paints.dim],
    [event.region.padEnd(REGION_WIDTH), undefined],
    [typeOf(event).padEnd(TYPE_WIDTH), paintOf(event, paints)],
    [plain(aboutOf(event)), undefined],
    [plain(event.reason), paints.dim],
  ];
  let room = width;
  const shown = parts.flatMap(([text, paint]) => {
    const fits = cut(text, room);
    room -= fits.length + GAP.length;
    if (fits.trim() === "") return [];
    return [paint === undefined ? fits : paint(fits)];
  });
  return shown.join(GAP);
}

type Part = readonly [text: string, paint: ((text: string) => string) | undefined];
const GAP = "  ";

function paintOf(event: ForgeEvent, paints: Paints): (text: string) => string {
  switch (event.type) {
    case "failover":
    case "server.unhealthy":
    case "session.lost":
    case "node.down":
    case "node.isolated":
      return paints.red;
    case "scaling":
    case "rollout":
      return paints.cyan;
    case "session.migrating":
    case "session.moved":
    case "server.suspect":
    case "server.blocked":
    case "node.suspect":
      return paints.magenta;
    case "server.ready":
    case "server.replaced":
    case "node.connected":
    case "node.restored":
      return paints.green;
    case "server.draining":
    case "region.draining":
    case "session.queued":
      return paints.yellow;
    default:
      return (text) => text;
  }
}

function typeOf(event: ForgeEvent): string {
  if (event.type === "failover") return `failover ${event.step}`;
  if (event.type === "rollout") return `rollout ${event.step}`;
  return event.type === "scaling" ? `scaling ${event.action}` : event.type;
}

function aboutOf(event: ForgeEvent): string {
  if (event.type === "scaling") return `${event.experienceId} ${event.from} → ${event.to}`;
  if (event.type === "rollout") return `${event.experienceId} ${event.fromVersion} → ${event.toVersion}`;
  if ("playerId" in event) return event.serverId === null ? event.playerId : `${event.playerId} on ${event.serverId}`;
  return "serverId" in event ? event.serverId : nodeOf(event.detail);
}

function nodeOf(detail: Readonly<Record<string, unknown>> | undefined): string {
  const nodeId = detail?.["nodeId"];
  return typeof nodeId === "string" ? nodeId : "";
}
