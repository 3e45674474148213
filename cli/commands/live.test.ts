import { getEventListeners } from "node:events";
import { stripVTControlCharacters } from "node:util";
import { RunDouble } from "../../test/double/run-double";
import { scalingEvent, serverEvent } from "../../test/double/samples";
import { ForgeApi } from "../api";
import { runForTest } from "../cli-under-test";
import { EventFeed } from "../event-feed";
import type { CliTerminal } from "../io";

let run: RunDouble;
beforeEach(async () => {
  run = await RunDouble.start(["us-east", "eu-west"]);
});
afterEach(() => run.close());

const noSleep = async (): Promise<void> => undefined;

describe("following events", () => {
  /** Follows one region and waits for what is told, one at a time. */
  function followed(api: ForgeApi, from: EventFeed = new EventFeed(api, { region: "us-east", filter: {} })) {
    const told: string[] = [];
    let wake: () => void = () => undefined;
    const tell = (text: string): void => {
      told.push(text);
      wake();
    };
    const stop = new AbortController();
    const done = from.follow(
      {
        event: ({ id, event }) => tell(`${id} ${event.type}`),
        gap: () => tell("gap"),
        connected: () => tell("connected"),
        disconnected: () => tell("disconnected"),
      },
      noSleep,
      stop.signal,
    );
    const next = async (): Promise<string> => {
      while (told.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return told.shift() ?? "";
    };
    return { next, done, stop };
  }

  function apiOf(region: string): ForgeApi {
    return new ForgeApi({ urls: [run.region(region).url], token: () => run.token("viewer"), unreachableFix: () => "" });
  }

  it("lets go of each connection that has ended, however many there were", async () => {
    const { next, done, stop } = followed(apiOf("us-east"));
    expect(await next()).toBe("connected");
    for (let i = 0; i < 12; i++) {
      run.region("us-east").app.server.closeAllConnections();
      while ((await next()) !== "connected");
    }
    expect(getEventListeners(stop.signal, "abort")).toHaveLength(1);
    stop.abort();
    await done;
  });

  it("lets go of each call that no controller answered", async () => {
    const stop = new AbortController();
    const api = new ForgeApi({
      urls: ["http://127.0.0.1:1"],
      token: () => "",
      unreachableFix: () => "",
      fetch: () => Promise.reject(new TypeError("fetch failed")),
    });
    await expect(api.get("/v1/regions", {}, stop.signal)).rejects.toMatchObject({ code: "unreachable" });
    await expect(api.open({ method: "GET", path: "/v1/events", signal: stop.signal })).rejects.toThrow("fetch failed");
    expect(getEventListeners(stop.signal, "abort")).toHaveLength(0);
  });

  it("goes on where it was after the connection broke, and misses nothing", async () => {
    const { backend, app, url } = run.region("us-east");
    const { next, done, stop } = followed(apiOf("us-east"));
    expect(await next()).toBe("connected");
    backend.events.append(serverEvent("server.spawned"));
    expect(await next()).toBe("1-1 server.spawned");
    // The server closes the streams it has; new connections still come in.
    app.server.closeAllConnections();
    backend.events.append(serverEvent("server.ready"));
    const after = [await next(), await next()];
    while (after.at(-1) !== "1-2 server.ready") after.push(await next());
    expect(after.filter((text) => text.startsWith("1-"))).toEqual(["1-2 server.ready"]);
    stop.abort();
    await done;
    expect(url).toMatch(/^http:/);
  });

  it("tells of a gap where what came between is no longer held", async () => {
    const { backend, app } = run.region("us-east");
    const { next, done, stop } = followed(apiOf("us-east"));
    await next();
    backend.events.append(serverEvent("server.spawned"));
    await next();
    app.server.closeAllConnections();
    // The double holds 100 events.
    for (let n = 0; n < 150; n++) backend.events.append(serverEvent("server.ready"));
    let text = await next();
    while (text !== "gap" && !text.startsWith("1-1 ")) text = await next();
    expect(text).toBe("gap");
    stop.abort();
    await done;
  });

  it("ends where the controller refuses for good", async () => {
    const api = new ForgeApi({ urls: [run.region().url], token: () => "none", unreachableFix: () => "" });
    await expect(followed(api).done).rejects.toMatchObject({ code: "tokenMalformed" });
  });

  it("begins with the last events that are held", async () => {
    const { backend } = run.region("us-east");
    for (let n = 0; n < 130; n++) backend.events.append(n % 2 === 0 ? serverEvent("server.ready") : scalingEvent());
    const feed = new EventFeed(apiOf("us-east"), { region: "us-east", filter: {} });
    expect((await feed.earlier(3)).map(({ id }) => id)).toEqual(["1-128", "1-129", "1-130"]);
    const { next, done, stop } = followed(apiOf("us-east"), feed);
    expect(await next()).toBe("connected");
    backend.events.append(scalingEvent());
    expect(await next()).toBe("1-131 scaling");
    stop.abort();
    await done;
  });
});

describe("forge console", () => {
  it("shows the run until q, and gives the screen back", async () => {
    run.region("us-east").backend.events.append(scalingEvent({ reason: "players above target" }));
    let press: (key: string) => void = () => undefined;
    const listening = { keys: 0, resizes: 0 };
    const terminal: CliTerminal = {
      takesKeys: true,
      size: () => ({ width: 120, height: 40 }),
      onResize() {
        listening.resizes += 1;
        return () => void (listening.resizes -= 1);
      },
      onKey(listener) {
        press = listener;
        listening.keys += 1;
        return () => void (listening.keys -= 1);
      },
    };
    const onOut = (text: string): void => {
      if (text.includes("players above target")) press("q");
    };
    const { code, out, err } = await runForTest(["console"], { cwd: run.folder, terminal, onOut });
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out.startsWith("\u001b[?1049h")).toBe(true);
    expect(out.endsWith("\u001b[?1049l")).toBe(true);
    const text = stripVTControlCharacters(out);
    expect(text).toContain("srv-eu-west-1");
    expect(text).toContain("2 of 2 regions up");
    expect(listening).toEqual({ keys: 0, resizes: 0 });
  });

  it("is not for scripts", async () => {
    expect(await runForTest(["console"], { cwd: run.folder })).toMatchObject({ code: 2, out: "" });
    const terminal: CliTerminal = {
      takesKeys: false,
      size: () => ({ width: 120, height: 40 }),
      onResize: () => () => undefined,
      onKey: () => () => undefined,
    };
    expect(await runForTest(["console"], { cwd: run.folder, terminal })).toMatchObject({ code: 2, out: "" });
  });
});
