import type { Phase } from "./phase";
import type { Process } from "./process";
import type { Random } from "./random";
import type { Schedule } from "./schedule";

/** What is wrong with all that goes to and from a host. */
export interface Weather {
  /** Milliseconds on top of every message's way. */
  delayMs: number;
  /** Share of messages that may be sent twice, where the protocol allows it: 0 to 1. */
  duplicate: number;
  /** Messages that stand alone arrive within so many milliseconds in any order. */
  reorderMs: number;
}

export interface Letter {
  readonly from: string;
  readonly to: string;
  readonly phase: Phase;
  /** Goes into the trace: the same run says the same. */
  readonly text: string;
  /** Where it is read; undefined for what is no process (players, Nomad, Consul). */
  readonly reader: Process | undefined;
  readonly deliver: () => void;
  /** Says only that all is as it was, like a ping: no step. */
  readonly routine?: boolean;
  /** Of a stream of messages: they arrive in order, but where the weather reorders. */
  readonly order?: { lastAtMs: number };
}

const FASTEST_MS = 0.2;
const USUAL_MS = 2;
const LOCAL_MS = 0.05;

/**
 * The modelled network between hosts. Each direction between two of them can be cut: streams then wait, as TCP does, and
 * single messages are lost. It counts what is under way by phase and tells the world of each delivery.
 */
export class Network {
  readonly underWay = new Map<Phase, number>();
  /** Told of each message that reaches its reader: the steps of a run. */
  onDelivered: (letter: Pick<Letter, "from" | "to" | "phase" | "text" | "routine">) => void = () => undefined;
  /** Told of each message as it is sent. */
  onSent: (phase: Phase) => void = () => undefined;
  private readonly cuts = new Map<string, number>();
  private readonly weathers = new Map<string, Weather>();
  private readonly opened = new Map<string, (() => void)[]>();

  constructor(
    readonly schedule: Schedule,
    private readonly random: Random,
  ) {}

  /** Cuts one direction; the result mends it. */
  cut(from: string, to: string): () => void {
    const key = way(from, to);
    this.cuts.set(key, (this.cuts.get(key) ?? 0) + 1);
    let mended = false;
    return () => {
      if (mended) return;
      mended = true;
      const left = (this.cuts.get(key) ?? 1) - 1;
      if (left > 0) {
        this.cuts.set(key, left);
        return;
      }
      this.cuts.delete(key);
      const waiting = this.opened.get(key) ?? [];
      this.opened.delete(key);
      for (const run of waiting) run();
    };
  }

  isCut(from: string, to: string): boolean {
    return this.cuts.has(way(from, to));
  }

  /** Calls once the direction is mended. */
  whenOpen(from: string, to: string, run: () => void): void {
    const key = way(from, to);
    const waiting = this.opened.get(key);
    if (waiting) waiting.push(run);
    else this.opened.set(key, [run]);
  }

  weather(host: string): Weather {
    let weather = this.weathers.get(host);
    if (!weather) this.weathers.set(host, (weather = { delayMs: 0, duplicate: 0, reorderMs: 0 }));
    return weather;
  }

  /** Every fault of the network is over. */
  calm(): void {
    for (const weather of this.weathers.values()) Object.assign(weather, { delayMs: 0, duplicate: 0, reorderMs: 0 });
  }

  latency(from: string, to: string): number {
    if (from === to) return LOCAL_MS + this.weather(from).delayMs / 20;
    const usual = FASTEST_MS + this.random.next() * USUAL_MS;
    return usual + this.weather(from).delayMs + this.weather(to).delayMs;
  }

  duplicates(from: string, to: string): boolean {
    const share = Math.max(this.weather(from).duplicate, this.weather(to).duplicate);
    return share > 0 && this.random.chance(share);
  }

  /** Sends one message on its own: lost where the way is cut when it would arrive. */
  post(letter: Letter, lost: () => void = () => undefined): void {
    const { from, to } = letter;
    const spread = Math.max(this.weather(from).reorderMs, this.weather(to).reorderMs);
    const times = this.duplicates(from, to) ? 2 : 1;
    for (let i = 0; i < times; i++) {
      this.begin(letter.phase);
      let ms = this.latency(from, to) + (spread > 0 ? this.random.next() * spread : 0);
      if (letter.order && spread === 0) {
        letter.order.lastAtMs = Math.max(letter.order.lastAtMs, this.schedule.nowMs + ms);
        ms = letter.order.lastAtMs - this.schedule.nowMs;
      }
      const drop = (): void => {
        this.finish(letter.phase);
        lost();
      };
      const arrive = (): void => {
        if (this.isCut(from, to)) return drop();
        this.finish(letter.phase);
        this.onDelivered(letter);
        letter.deliver();
      };
      this.schedule.after(ms, letter.reader, arrive, drop);
    }
  }

  begin(phase: Phase): void {
    this.underWay.set(phase, (this.underWay.get(phase) ?? 0) + 1);
    this.onSent(phase);
  }

  finish(phase: Phase): void {
    this.underWay.set(phase, (this.underWay.get(phase) ?? 1) - 1);
  }

  phasesUnderWay(): Phase[] {
    return [...this.underWay].filter(([, count]) => count > 0).map(([phase]) => phase);
  }
}

function way(from: string, to: string): string {
  return `${from}>${to}`;
}
