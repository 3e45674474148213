import { createServer, get, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ManualTiming } from "../../testing/manual-timing";
import type { StreamEvent } from "../event-stream";
import { Watch } from "./watch";

it("replaces a stream that fell silent, and lets go of it only when the next one is open", async () => {
  const happened: string[] = [];
  const streams: ServerResponse[] = [];
  let closed: () => void = () => undefined;
  const firstClosed = new Promise<void>((resolve) => (closed = resolve));
  const http = createServer((_, response) => {
    const number = streams.push(response);
    happened.push(`open ${number}`);
    response.on("close", () => {
      happened.push(`close ${number}`);
      if (number === 1) closed();
    });
    response.writeHead(200).write(`event: hello\ndata: ${number}\n\n`);
    // The first says nothing more; the later ones keep talking.
    if (number > 1) beats.push(setInterval(() => response.write(": here\n"), 5));
  });
  const beats: NodeJS.Timeout[] = [];
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const { port } = http.address() as AddressInfo;
  const closing = new AbortController();
  const source = {
    closed: closing.signal,
    stream: () =>
      new Promise<IncomingMessage>((resolve, reject) => {
        get({ port, host: "127.0.0.1", agent: false }, resolve).on("error", reject);
      }),
  };
  const events: StreamEvent[] = [];
  const watch = new Watch(
    source,
    new ManualTiming(),
    (event) => events.push(event),
    () => undefined,
    60,
  );
  try {
    await watch.start();
    await firstClosed;
    expect(happened.slice(0, 3)).toEqual(["open 1", "open 2", "close 1"]);
    expect(events.map(({ data }) => data)).toContain("1");
  } finally {
    closing.abort();
    for (const beat of beats) clearInterval(beat);
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  }
});
