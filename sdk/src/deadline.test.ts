import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { deadline } from "./deadline";

describe("deadline", () => {
  it("ends a request whose answer never comes", async () => {
    const server = createServer((_, response) => response.write("begun"));
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    try {
      // On a busy machine not even its beginning may come within that time.
      const whole = fetch(`http://127.0.0.1:${port}`, { signal: deadline(100).signal }).then((got) => got.text());
      await expect(whole).rejects.toThrow("no answer within 100 ms");
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it("aborts with its parent, and at once where that has", () => {
    const parent = new AbortController();
    const early = deadline(60_000, parent.signal);
    parent.abort(new Error("enough"));
    const late = deadline(60_000, parent.signal);
    expect(early.signal.reason).toEqual(new Error("enough"));
    expect(late.signal.aborted).toBe(true);
    early.clear();
    late.clear();
  });

  it("holds nothing once cleared", () => {
    const parent = new AbortController();
    const { signal, clear } = deadline(60_000, parent.signal);
    clear();
    parent.abort();
    expect(signal.aborted).toBe(false);
  });
});
