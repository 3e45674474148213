import fc from "fast-check";
import { decodeState, encodeState, readClientMessage } from "./wire";

const u16 = fc.nat(0xffff);
const state = fc.record({
  full: fc.boolean(),
  tick: fc.nat(0xffffffff),
  moved: fc.array(fc.tuple(u16, u16, u16), { maxLength: 60 }).map((rows) => rows.flat()),
  scores: fc.array(fc.tuple(u16, fc.nat(0xffffffff)), { maxLength: 40 }).map((rows) => rows.flat()),
  gone: fc.array(u16, { maxLength: 40 }),
});

describe("states", () => {
  it("come out as they went in", () => {
    fc.assert(fc.property(state, (given) => expect(decodeState(encodeState(given))).toEqual(given)));
  });

  it("that were cut or lengthened are no states", () => {
    fc.assert(
      fc.property(state, fc.nat(), (given, cut) => {
        const bytes = encodeState(given);
        expect(decodeState(bytes.subarray(0, cut % bytes.length))).toBeUndefined();
        expect(decodeState(Buffer.concat([bytes, Buffer.alloc(1)]))).toBeUndefined();
      }),
    );
  });

  it("are small: 24 players and 4 NPCs that all move fit in 200 bytes", () => {
    const moved = Array.from({ length: 28 * 3 }, (_, i) => i);
    expect(encodeState({ full: false, tick: 1, moved, scores: [], gone: [] }).length).toBeLessThan(200);
  });
});

describe("readClientMessage", () => {
  it.each([
    '{"type":"join","ticket":"t"}',
    '{"type":"input","seq":1,"dx":0.5,"dy":-1}',
    '{"type":"ping","n":0}',
    '{"type":"leave"}',
  ])("takes %s", (text) => {
    expect(readClientMessage(text)).toEqual(JSON.parse(text));
  });

  it("takes nothing over that it does not know", () => {
    expect(readClientMessage('{"type":"leave","admin":true}')).toEqual({ type: "leave" });
  });

  it.each([
    "",
    "null",
    "[]",
    "{",
    '"join"',
    '{"type":"fly"}',
    '{"type":"join"}',
    '{"type":"join","ticket":7}',
    `{"type":"join","ticket":"${"t".repeat(3000)}"}`,
    '{"type":"input","seq":1,"dx":2,"dy":0}',
    '{"type":"input","seq":1,"dx":"1","dy":0}',
    '{"type":"input","seq":-1,"dx":0,"dy":0}',
    '{"type":"input","seq":0.5,"dx":0,"dy":0}',
    '{"type":"ping","n":1e99}',
  ])("refuses %s", (text) => {
    expect(readClientMessage(text)).toBeUndefined();
  });
});
