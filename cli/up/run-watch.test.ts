import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ForgeApi } from "../api";
import { RunWatch } from "./run-watch";

/** A region's controller that refuses at first, and then holds two events. */
class LateController {
  refused = 0;
  readonly server: Server = createServer((request, answer) => this.answer(request, answer));

  constructor(private readonly refuses: number) {}

  private answer(request: IncomingMessage, answer: ServerResponse): void {
    if (this.refused < this.refuses) {
      this.refused += 1;
      answer.writeHead(503, { "content-type": "application/problem+json" });
      answer.end(JSON.stringify({ type: "about:blank", title: "no leader", status: 503, code: "noLeader" }));
      return;
    }
    const last = Number(String(request.headers["last-event-id"] ?? "1-2").split("-")[1]);
    const missed = [1, 2].filter((seq) => seq > last);
    answer.writeHead(200, { "content-type": "text/event-stream" });
    for (const seq of missed) answer.write(`id: 1-${seq}\ndata: ${JSON.stringify({ type: "server.ready", seq })}\n\n`);
    answer.write("id: 1-2\n\n");
  }
}

describe("RunWatch", () => {
  let controller: LateController;

  async function watch(): Promise<{ readonly run: RunWatch; readonly told: Promise<string[]> }> {
    await new Promise<void>((done) => controller.server.listen(0, "127.0.0.1", done));
    const { port } = controller.server.address() as AddressInfo;
    const api = new ForgeApi({
      urls: [`http://127.0.0.1:${port}`],
      token: () => undefined,
      unreachableFix: () => "start it",
    });
    const ids: string[] = [];
    let run: RunWatch | undefined;
    const told = new Promise<string[]>((done) => {
      run = new RunWatch(
        api,
        ["east"],
        () => Promise.resolve(),
        (id) => {
          ids.push(id);
          if (ids.length === 2) done(ids);
        },
      );
    });
    return { run: run as unknown as RunWatch, told };
  }

  afterEach(async () => {
    controller.server.closeAllConnections();
    await new Promise((done) => controller.server.close(done));
  });

  test.each([0, 1, 3])("tells a region's events from the first, though it refused %i times", async (refuses) => {
    controller = new LateController(refuses);
    const { run, told } = await watch();
    run.follow();
    expect(await told).toEqual(["1-1", "1-2"]);
    expect(controller.refused).toBe(refuses);
    await run.stop();
  });
});
