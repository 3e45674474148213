import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { localPorts, MAX_LOCAL_REGIONS } from "../config/local-ports";
import { freePorts, isFree } from "./free-ports";

describe("free ports", () => {
  it("are all different, and none that the system gives by itself or that regions on this machine count on", async () => {
    const ports = await freePorts(40);
    expect(new Set(ports).size).toBe(40);
    expect(Math.max(...ports)).toBeLessThan(32_768);
    const regions = [0, 4000, 8000, 12_000, 16_000].flatMap((offset) =>
      Array.from({ length: MAX_LOCAL_REGIONS }, (_, index) => localPorts(index, offset)),
    );
    const counted = new Set(regions.flatMap(({ games: _games, ...fixed }) => Object.values(fixed)));
    for (let port = Math.min(...ports); port <= Math.max(...ports); port += 1) expect(counted).not.toContain(port);
  });

  it("leave out what somebody has, by TCP or by UDP", async () => {
    const [first = 0, second = 0] = await freePorts(2);
    const tcp = createServer().listen(first, "127.0.0.1");
    const udp = createSocket("udp4").bind(second, "127.0.0.1");
    try {
      await Promise.all([once(tcp, "listening"), once(udp, "listening")]);
      expect(await isFree(first)).toBe(false);
      // As many as there are without those two and what others have just now.
      const rest = await freePorts(2000);
      expect(rest).not.toContain(first);
      expect(rest).not.toContain(second);
    } finally {
      tcp.close();
      udp.close();
    }
  });

  it("say that there are not so many", async () => {
    await expect(freePorts(2301)).rejects.toThrow("no 2301 ports are free from 17000 to 19299");
  });
});
