import fc from "fast-check";
import { EventParser } from "./event-stream.js";

interface Parsed {
  readonly type: string;
  readonly data: string;
}

function parse(chunks: readonly string[]): { readonly events: Parsed[]; readonly lastId: string } {
  const events: Parsed[] = [];
  const parser = new EventParser((event: Parsed) => events.push(event));
  for (const chunk of chunks) parser.push(chunk);
  return { events, lastId: parser.lastId };
}

const STREAM =
  'retry: 1000\n\nid: 1-2\nevent: scaling\ndata: {"a":\ndata: 1}\n\n: heartbeat\nid: 1-7\n\nevent:x\r\ndata:y\r\n\r\n';

describe("EventParser", () => {
  it("reads events, ids without events, and lines that are cut anywhere", () => {
    const whole = parse([STREAM]);
    expect(whole).toEqual({
      events: [
        { type: "scaling", data: '{"a":\n1}' },
        { type: "x", data: "y" },
      ],
      lastId: "1-7",
    });
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: STREAM.length })), (cuts) => {
        const at = [0, ...[...cuts].sort((a, b) => a - b), STREAM.length];
        expect(parse(at.slice(1).map((end, index) => STREAM.slice(at[index], end)))).toEqual(whole);
      }),
    );
  });

  it("gives up on an event without an end", () => {
    expect(() => parse(Array.from({ length: 5 }, () => "x".repeat(1024 * 1024)))).toThrow(/too large/);
  });
});
