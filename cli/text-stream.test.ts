import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { linesOf, textOf } from "./text-stream";

/** An answer that has begun and never ends. */
async function endless(): Promise<{ readonly response: Response; readonly closed: Promise<unknown>; end(): void }> {
  const server = createServer((_, answer) => answer.write("first\nsecond"));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const closed = once(server, "connection").then(([socket]) => once(socket as NodeJS.EventEmitter, "close"));
  const { port } = server.address() as AddressInfo;
  // On purpose without a signal: what ends the reading is not fetch.
  const response = await fetch(`http://127.0.0.1:${port}`);
  return { response, closed, end: () => void server.close() };
}

describe("textOf", () => {
  it("ends when its signal aborts, whatever became of the one that fetch was given, and closes the connection", async () => {
    const { response, closed, end } = await endless();
    const stop = new AbortController();
    const seen: string[] = [];
    for await (const text of textOf(response, stop.signal)) {
      seen.push(text);
      stop.abort();
    }
    expect(seen.join("")).toBe("first\nsecond");
    await closed;
    end();
  });

  it("closes the connection when the loop is left", async () => {
    const { response, closed, end } = await endless();
    for await (const text of textOf(response)) if (text !== "") break;
    await closed;
    end();
  });

  it("gives lines, the last one without an end too", async () => {
    const lines: string[] = [];
    for await (const line of linesOf(new Response("a\nb\n\nc"))) lines.push(line);
    expect(lines).toEqual(["a", "b", "", "c"]);
  });
});
