import type { GateCall } from "../../protocol/gate-messages";
import type { AgentEvent } from "../../protocol/messages";
import type { CliContext } from "../context";
import type { OrderOutcome } from "./desk-orders";
import { ORDER_HELP } from "./desk-orders";

export interface DeskPlace {
  readonly grpcPort: number;
  readonly httpPort: number;
  readonly token: string;
  readonly name: string;
}

/** Calls that come each few seconds say nothing new after the first. */
const HEARTBEATS = ["/agones.dev.sdk.SDK/Health", "/v1/health", "/v1/stats"];
const MAX_SHOWN = 160;

/** What happens on the desk, a line each; with `--json` an object a line. */
export class DeskPrinter {
  readonly #seen = new Set<string>();

  constructor(private readonly context: CliContext) {}

  ready({ grpcPort, httpPort, token, name }: DeskPlace, env: Readonly<Record<string, string>>): void {
    const { paints } = this.context;
    this.context.print({ ready: { name, grpcPort, httpPort, url: env["FORGE_SDK_URL"], token, env } }, () => [
      `${paints.bold(name)} is on this desk: start your server with`,
      ...Object.entries(env).map(([key, value]) => `  export ${key}=${value}`),
      "Agones' clients find it without them on ports 9357 and 9358. Orders, each a line:",
      ...ORDER_HELP,
      "",
    ]);
  }

  event(event: AgentEvent): void {
    const { paints } = this.context;
    const line = eventLine(event);
    if (line === undefined) return;
    const [state, text] = line;
    const bad = event.kind === "gone" || (event.kind === "health" && !event.healthy);
    this.#line({ event: event.kind, state, detail: text }, (bad ? paints.red : paints.green)(state.padEnd(12)), text);
  }

  call({ method, path, body }: GateCall, status: number, answer: unknown): void {
    const { paints } = this.context;
    const failed = status >= 400;
    const first = !this.#seen.has(path);
    this.#seen.add(path);
    if (!failed && !first && HEARTBEATS.includes(path) && !this.context.options.json) return;
    const name = path.startsWith("/agones.dev.") ? (path.split("/").at(-1) ?? path) : `${method} ${path}`;
    const said = body === undefined || body === null || same(body, {}) ? "" : ` ${JSON.stringify(body)}`;
    const why = failed ? ` refused: ${detailOf(answer)}` : "";
    const text = cut(`${name}${said}`) + why;
    const record = { call: name, body, status, ...(failed ? { detail: detailOf(answer) } : {}) };
    this.#line(record, failed ? paints.yellow("refused".padEnd(12)) : paints.dim("call".padEnd(12)), text);
  }

  renewed(): void {
    this.#seen.clear();
    this.#line({ event: "renewed" }, "new server".padEnd(12), "the one before is over: start yours again");
  }

  order({ ok, lines }: OrderOutcome): void {
    this.context.print({ order: { ok, lines } }, () =>
      lines.map((line) => (ok ? line : this.context.paints.red(line))),
    );
  }

  file(line: string, ok: boolean): void {
    this.#line({ file: line, ok }, ok ? "file".padEnd(12) : this.context.paints.red("file".padEnd(12)), line);
  }

  #line(record: object, what: string, text: string): void {
    const at = new Date(this.context.io.now());
    this.context.print({ at: at.toISOString(), ...record }, () => `${at.toISOString().slice(11, 19)}  ${what} ${text}`);
  }
}

/** State and what is known of it; undefined where calls tell it already. */
function eventLine(event: AgentEvent): readonly [state: string, text: string] | undefined {
  switch (event.kind) {
    case "ready":
      return ["Ready", "players may come"];
    case "reserved":
      return ["Reserved", event.untilMs === undefined ? "until it says Ready" : `until ${time(event.untilMs)}`];
    case "selfAllocated":
      return ["Allocated", "by its own word"];
    case "matchEnded":
      return ["match over", event.matchId];
    case "health":
      return event.healthy
        ? ["healthy", event.reason]
        : ["Unhealthy", `${event.reason}: a region would replace it now, the desk goes on`];
    case "joined":
      return ["joined", event.sessionId];
    case "left":
      return ["left", `${event.sessionId} (${event.reason})`];
    case "shutdownAsked":
      return ["Shutdown", "a region would stop it now; it has 2 s, then the desk begins anew"];
    case "gone":
      return ["gone", event.reason];
    case "saved":
      return ["saved", `${event.state.playerId ?? "the server"}: ${Buffer.byteLength(event.state.data)} bytes`];
    case "labels":
    case "counts":
    case "stats":
    case "walkIns":
    case "granted":
      return undefined;
  }
}

function detailOf(answer: unknown): string {
  const { message, detail } = (answer ?? {}) as { readonly message?: string; readonly detail?: string };
  return message ?? detail ?? "no reason given";
}

function time(atMs: number): string {
  return new Date(atMs).toISOString().slice(11, 19);
}

function cut(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
