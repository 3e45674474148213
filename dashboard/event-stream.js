import { ApiError } from "./api.js";

const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 10_000;
/** The controller sends a heartbeat each 15 s: after this long without a byte the connection is dead. */
const SILENCE_MS = 45_000;
const OPEN_MS = 5000;
const MAX_PENDING = 4 * 1024 * 1024;
/** How many events of each region a page that was just opened begins with, at most. */
const RECENT = 2000;
const MAX_REGIONS = 16;

/**
 * Follows `GET /v1/events` and goes on where it was when the connection breaks. EventSource cannot send the
 * Authorization header, so this reads the stream of a fetch.
 */
export class EventStream {
  /**
   * @param {import("./api.js").Api} api
   * @param {{onEvent: (event: object) => void, onGap: (gap: {region?: string}) => void, onMissing: (missing: {region: string, reason: string}) => void, onState: (live: boolean) => void, onRefused: (error: ApiError) => void}} told
   */
  constructor(api, told) {
    this.api = api;
    this.told = told;
    this.lastId = "";
    /** Where to begin, for the first connection alone: what is sent then may be too much for it. */
    this.earlier = "";
    this.connection = undefined;
  }

  /** Follows from now on, or with other types from where it was. */
  follow(types) {
    this.stop();
    const connection = new AbortController();
    this.connection = connection;
    void this.run(types, connection.signal);
  }

  /**
   * Begins some events ago instead of now, where the controllers still hold them.
   * @param {readonly string[]} regions
   */
  async beginEarlier(regions) {
    const ends = await Promise.all(
      regions.slice(0, MAX_REGIONS).map((region) => this.endOf(region).catch(() => undefined)),
    );
    const starts = ends.flatMap((end, index) => {
      const [, epoch, seq] = /^(\d+)-(\d+)$/.exec(end ?? "") ?? [];
      return epoch === undefined ? [] : [`${regions[index]}=${epoch}-${Math.max(0, Number(seq) - RECENT)}`];
    });
    this.earlier = starts.join(",");
  }

  /** A region's newest event's id: a stream begins with it. */
  async endOf(region) {
    const done = new AbortController();
    const signal = AbortSignal.any([done.signal, AbortSignal.timeout(OPEN_MS)]);
    const response = await fetch(`/v1/events?${new URLSearchParams({ region })}`, {
      headers: this.api.headers,
      signal,
    });
    if (!response.ok) throw new ApiError(response.status, {});
    const parser = new EventParser(() => undefined);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    while (parser.lastId === "") {
      const { done: ended, value } = await reader.read();
      if (ended) break;
      parser.push(value);
    }
    done.abort();
    return parser.lastId;
  }

  stop() {
    this.connection?.abort();
  }

  async run(types, signal) {
    for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2)) {
      try {
        await this.connect(types, signal, () => (pauseMs = FIRST_PAUSE_MS));
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ApiError && error.status < 500 && error.status !== 429) {
          this.told.onRefused(error);
          return;
        }
      }
      if (signal.aborted) return;
      this.told.onState(false);
      // Jitter: many pages must not come back in one instant.
      await pause(pauseMs * (0.5 + Math.random() / 2), signal);
    }
  }

  async connect(types, signal, onOpen) {
    const query = new URLSearchParams({ region: "*", ...(types === "" ? {} : { type: types }) });
    const headers = { ...this.api.headers, accept: "text/event-stream" };
    const from = this.lastId === "" ? this.earlier : this.lastId;
    this.earlier = "";
    if (from !== "") headers["last-event-id"] = from;
    // Of a page that was just opened, nobody missed anything.
    this.resumes = this.lastId !== "";
    const silence = new AbortController();
    const either = AbortSignal.any([signal, silence.signal]);
    const response = await fetch(`/v1/events?${query}`, { headers, signal: either, cache: "no-store" });
    if (!response.ok) throw new ApiError(response.status, await response.json().catch(() => ({})));
    onOpen();
    this.told.onState(true);
    await this.read(response.body, silence);
  }

  async read(body, silence) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new EventParser((event) => this.take(event));
    let timer;
    try {
      for (;;) {
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), SILENCE_MS);
        const { done, value } = await reader.read();
        if (done) return;
        parser.push(value);
        if (parser.lastId !== "") this.lastId = parser.lastId;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  take({ type, data }) {
    const event = JSON.parse(data);
    if (type === "reset") {
      if (this.resumes) this.told.onGap(event);
      return;
    }
    if (type === "missing") this.told.onMissing(event);
    else this.told.onEvent(event);
  }
}

/** Parses `text/event-stream` from chunks cut anywhere; line ends are those that Forge sends (LF), or CRLF. */
export class EventParser {
  constructor(dispatch) {
    this.dispatch = dispatch;
    this.lastId = "";
    this.rest = "";
    this.type = "";
    this.data = [];
  }

  push(chunk) {
    const lines = (this.rest + chunk).split("\n");
    this.rest = lines.pop();
    if (this.rest.length > MAX_PENDING) throw new Error("an event of the stream is too large");
    for (const line of lines) this.line(line.endsWith("\r") ? line.slice(0, -1) : line);
  }

  line(line) {
    if (line === "") {
      const { type, data } = this;
      this.type = "";
      this.data = [];
      if (data.length > 0) this.dispatch({ type, data: data.join("\n") });
      return;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.type = value;
    else if (field === "data") this.data.push(value);
    else if (field === "id") this.lastId = value;
  }
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
