import type { Channel } from "../protocol/channel";
import type { Clock } from "../protocol/clock";
import { watchLiveness } from "../protocol/liveness";
import type {
  Ack,
  AgentEvent,
  FromAgent,
  FromController,
  Hello,
  Ping,
  Request,
  Snapshot,
  Welcome,
} from "../protocol/messages";
import type { DialledLine } from "../protocol/socket-dialler";
import { knowsEvent } from "../protocol/versions";
import type { AgentLog } from "./ledger";

export type ControllerChannel = Channel<FromAgent, FromController>;

export interface ControllerLinksHandlers {
  hello(): Hello;
  /** What is so now; everything that happened before it has been told or is in it. */
  snapshot(): Snapshot;
  /** The states that servers, all or these, saved last or were given. */
  saved(serverIds?: ReadonlySet<string>): readonly AgentEvent[];
  onRequest(request: Request, from: Requester): void;
}

/** Who asked, to be answered. */
export interface Requester {
  answer(ack: Ack): void;
  sendSnapshot(): void;
  /** The same for all other controllers that are told of seats at all. */
  sendOthersSnapshot(): void;
  /** Tells all other controllers; `events` is asked only where there are any. */
  tellOthers(events: () => readonly AgentEvent[]): void;
}

type Stream = Channel<Exclude<FromAgent, Ping>, Exclude<FromController, Ping>>;

interface Told {
  readonly event: AgentEvent;
  /** Who knows it already. */
  readonly except: Stream | undefined;
}

const LIVENESS = { pingMs: 1000, silentMs: 3000 };
/** Saved states may be large: what would be one report is cut into several of about this size. */
const REPORT_CHARACTERS = 1024 * 1024;
const EVENT_CHARACTERS = 300;

/**
 * The agent's streams to every controller replica. Each gets the snapshot and then every report; requests come from
 * whoever leads, which their epoch tells.
 *
 *     dialled -- hello --> greeting -- welcome --> welcomed (snapshot, reports, requests)
 *                                   -- refused --> closed; who dialled tries again
 *
 * After 3 s of silence who dialled tries another connection beside it. A controller that was stopped, or busy with much else,
 * goes on where it was: all agents hanging up on it at once would send it all they know while it has the least time.
 */
export class ControllerLinks {
  private readonly attached = new Set<Stream>();
  /** With the version of the protocol that its controller chose. */
  private readonly welcomed = new Map<Stream, number>();
  /** Those over which nothing is heard, with the servers that saved states meanwhile. */
  private readonly silent = new Map<Stream, Set<string>>();
  private events: Told[] = [];
  private scheduled = false;

  constructor(
    private readonly handlers: ControllerLinksHandlers,
    private readonly clock: Clock,
    private readonly log: AgentLog,
  ) {}

  /** @param line who dialled it; one that nobody dialled is closed where it is silent */
  attach(channel: ControllerChannel, line: DialledLine = closedWhereSilent(channel)): void {
    const stream: Stream = watchLiveness<Exclude<FromAgent, Ping>, Exclude<FromController, Ping>>(
      channel,
      this.clock,
      LIVENESS,
      (silentForMs) => {
        this.silent.set(stream, new Set());
        line.silent(silentForMs);
      },
      () => {
        this.heardAgain(stream);
        line.heard();
      },
    );
    this.attached.add(stream);
    stream.onClose((reason) => {
      this.attached.delete(stream);
      this.silent.delete(stream);
      if (this.welcomed.delete(stream)) this.log.info({ reason }, "controller left");
    });
    stream.onMessage((message) => this.onMessage(stream, message));
    stream.send(this.handlers.hello());
  }

  /** Tells every controller, or all but one; events of one turn go together. */
  emit(event: AgentEvent, except?: Stream): void {
    this.events.push({ event, except });
    if (this.scheduled) return;
    this.scheduled = true;
    queueMicrotask(() => {
      this.scheduled = false;
      this.flush();
    });
  }

  closeAll(reason: string): void {
    this.flush();
    for (const stream of [...this.attached]) stream.close(reason);
  }

  private onMessage(stream: Stream, message: Exclude<FromController, Ping>): void {
    if (message.type === "refused") {
      this.log.error({ code: message.code }, `a controller refused this agent: ${message.detail}`);
      stream.close(message.detail);
    } else if (message.type === "welcome") this.welcome(stream, message);
    else if (!this.welcomed.has(stream)) stream.close(`expected welcome, got ${message.type}`);
    else {
      this.handlers.onRequest(message, {
        answer: (ack) => {
          // What was told before must arrive before.
          this.flush();
          stream.send(ack);
        },
        sendSnapshot: () => this.sendSnapshot(stream),
        sendOthersSnapshot: () => {
          for (const [other, protocol] of this.welcomed)
            if (other !== stream && knowsEvent(protocol, "granted")) this.sendSnapshot(other);
        },
        tellOthers: (events) => {
          if (this.welcomed.size > 1 || !this.welcomed.has(stream))
            for (const event of events()) this.emit(event, stream);
        },
      });
    }
  }

  private welcome(stream: Stream, { controllerId, protocol }: Welcome): void {
    this.log.info({ controllerId, protocol }, "controller connected");
    this.sendSnapshot(stream);
    this.welcomed.set(stream, protocol);
  }

  private sendSnapshot(stream: Stream): void {
    const snapshot = this.handlers.snapshot();
    this.flush();
    stream.send(snapshot);
    // States that servers saved follow as events: together they may be more than one message carries.
    for (const report of reports(this.handlers.saved())) stream.send(report);
  }

  private heardAgain(stream: Stream): void {
    const saved = this.silent.get(stream);
    this.silent.delete(stream);
    if (!saved || saved.size === 0 || !this.welcomed.has(stream)) return;
    for (const report of reports(this.handlers.saved(saved))) stream.send(report);
  }

  private flush(): void {
    if (this.events.length === 0) return;
    const told = this.events;
    this.events = [];
    for (const [stream, protocol] of this.welcomed) {
      const saved = this.silent.get(stream);
      const events = told.flatMap(({ event, except }) =>
        except !== stream && knowsEvent(protocol, event.kind) && !keptBack(event, saved) ? [event] : [],
      );
      let room = true;
      for (const report of reports(events)) room = stream.send(report);
      if (saved && !room) stream.close("it does not read what it is told, and a snapshot is shorter by now");
    }
  }
}

/**
 * What a controller that says nothing is not told. Of statistics and saved states only the newest counts: they would wait by
 * the megabyte. Statistics come anew each second; which servers saved states is noted in `saved`.
 * @param saved undefined where the controller speaks
 */
function keptBack({ kind, serverId }: AgentEvent, saved: Set<string> | undefined): boolean {
  if (!saved) return false;
  if (kind === "saved") saved.add(serverId);
  return kind === "saved" || kind === "stats";
}

function closedWhereSilent(channel: ControllerChannel): DialledLine {
  return {
    silent: (forMs) => channel.close(`nothing heard from the controller for ${forMs} ms`),
    heard: () => undefined,
  };
}

function* reports(
  events: readonly AgentEvent[],
): Iterable<{ readonly type: "report"; readonly events: readonly AgentEvent[] }> {
  let batch: AgentEvent[] = [];
  let characters = 0;
  for (const event of events) {
    batch.push(event);
    characters += EVENT_CHARACTERS + (event.kind === "saved" ? event.state.data.length : 0);
    if (event.kind === "granted") characters += EVENT_CHARACTERS * event.seats.length;
    if (characters < REPORT_CHARACTERS) continue;
    yield { type: "report", events: batch };
    batch = [];
    characters = 0;
  }
  if (batch.length > 0) yield { type: "report", events: batch };
}
