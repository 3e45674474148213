import { randomFillSync } from "node:crypto";
import { idSource } from "./id-source";

describe("idSource", () => {
  it("gives ids that carry kind and region, and tokens that carry nothing", () => {
    const ids = idSource("us-east", (buffer) => buffer.fill(0xab));
    expect(ids("session")).toBe("ses-us-east-abababababababab");
    expect(ids("server")).toBe("srv-us-east-abababababababab");
    expect(ids("queue")).toBe("que-us-east-abababababababab");
    expect(ids("decision")).toBe("dec-us-east-abababababababab");
    expect(ids("token")).toBe(Buffer.alloc(24, 0xab).toString("base64url"));
  });

  it("never gives the same twice, over many draws of random bytes", () => {
    let fills = 0;
    const ids = idSource("r", (buffer) => {
      fills += 1;
      return randomFillSync(buffer);
    });
    const count = 5000;
    const given = new Set(Array.from({ length: count }, (_, n) => ids(n % 7 === 0 ? "token" : "session")));
    expect(given.size).toBe(count);
    // 8 bytes an id and 24 a token are at least 10 pools of 4 KiB; a call each would be 5000.
    expect(fills).toBeGreaterThan(10);
    expect(fills).toBeLessThan(20);
  });

  it("uses no byte twice", () => {
    let next = 0;
    const ids = idSource("r", (buffer) => {
      for (let i = 0; i < buffer.length; i += 2) buffer.writeUInt16BE(next++ & 0xffff, i);
    });
    const drawn = Array.from({ length: 2000 }, () => ids("session").slice("ses-r-".length));
    const words = drawn.flatMap((text) => text.match(/.{4}/g) ?? []);
    expect(new Set(words).size).toBe(2000 * 4);
  });
});
