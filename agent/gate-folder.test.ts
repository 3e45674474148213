import { mkdtempSync, rmSync, writeFileSync, utimesSync, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { VirtualClock } from "../protocol/virtual-clock";
import { followGateFolder } from "./gate-folder";

describe("the folder of the gates' sockets", () => {
  let folder: string;
  let clock: VirtualClock;
  const dialled = new Map<string, (reason: string) => void>();
  const closed: string[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "forge-gates-"));
    clock = new VirtualClock();
    dialled.clear();
    closed.length = 0;
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const put = (name: string) => writeFileSync(join(folder, name), "");
  const follow = (where = folder) =>
    followGateFolder({
      folder: where,
      clock,
      dial: (socket, onFailure) => {
        dialled.set(basename(socket), onFailure);
        return { close: () => void closed.push(basename(socket)) };
      },
    });

  test("each gate is dialled when its socket comes, and no more when it has gone", () => {
    put("a.sock");
    put("other.json");
    const following = follow();
    expect([...dialled.keys()]).toEqual(["a.sock"]);
    put("b.sock");
    rmSync(join(folder, "a.sock"));
    clock.advance(1000);
    expect([...dialled.keys()]).toEqual(["a.sock", "b.sock"]);
    expect(closed).toEqual(["a.sock"]);
    following.close();
    expect(closed).toEqual(["a.sock", "b.sock"]);
    put("c.sock");
    clock.advance(5000);
    expect(dialled.has("c.sock")).toBe(false);
  });

  test("a folder may come later", () => {
    const following = follow(join(folder, "not-yet"));
    clock.advance(3000);
    expect(dialled.size).toBe(0);
    following.close();
  });

  test("what a killed gate left is taken away, not before a minute, nor for another reason", () => {
    put("a.sock");
    const following = follow();
    const at = (secondsAgo: number) => utimesSync(join(folder, "a.sock"), 0, clock.now() / 1000 - secondsAgo);
    const refused = dialled.get("a.sock");
    at(30);
    refused?.("connect ECONNREFUSED /x/a.sock");
    at(90);
    refused?.("the other side does not know the secret");
    expect(existsSync(join(folder, "a.sock"))).toBe(true);
    refused?.("connect ECONNREFUSED /x/a.sock");
    expect(existsSync(join(folder, "a.sock"))).toBe(false);
    refused?.("connect ECONNREFUSED /x/a.sock");
    following.close();
  });
});
