import fc from "fast-check";
import { EventStreamParser, type StreamEvent } from "./event-stream";

function parse(chunks: readonly string[]): { events: StreamEvent[]; lastEventId: string } {
  const events: StreamEvent[] = [];
  const parser = new EventStreamParser((event) => events.push(event));
  for (const chunk of chunks) parser.push(chunk);
  return { events, lastEventId: parser.lastEventId };
}

const STREAM = [
  "\uFEFFretry: 1000\n\n",
  ": a comment\n",
  "id: 1-1\nevent: server.ready\ndata: {\ndata: }\n\n",
  "data:no space\r\n\r\n",
  "data:  two spaces\rdata\rid: 1-2\r\r",
  "event: nothing\n\n",
  "id: 1-9\n\n",
  "data: unfinished\n",
].join("");

const EXPECTED: StreamEvent[] = [
  { event: "server.ready", data: "{\n}", id: "1-1" },
  { event: "message", data: "no space", id: "1-1" },
  { event: "message", data: " two spaces\n", id: "1-2" },
];

describe("EventStreamParser", () => {
  it("reads events, comments, all line ends, and a position without an event", () => {
    expect(parse([STREAM])).toEqual({ events: EXPECTED, lastEventId: "1-9" });
  });

  it("reads the same however the stream is cut", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(STREAM.length)), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), STREAM.length];
        const chunks = at.slice(1).map((end, i) => STREAM.slice(at[i], end));
        expect(parse(chunks)).toEqual({ events: EXPECTED, lastEventId: "1-9" });
      }),
    );
  });

  it("does not let a stream without an end of line grow for ever", () => {
    const parser = new EventStreamParser(() => undefined);
    const megabyte = "x".repeat(1024 * 1024);
    const push = (): void => {
      for (let i = 0; i < 5; i++) parser.push(megabyte);
    };
    expect(push).toThrow("over 4 MiB");
  });
});
