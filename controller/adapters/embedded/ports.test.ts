import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import fc from "fast-check";
import { freePorts } from "../../../protocol/free-ports";
import type { PortLaunch } from "../../engine";
import { isPortFree, LOCAL_PORTS, PortPool, regionPorts } from "./ports";

const wish = (name: string, fixed?: number): PortLaunch => ({ name, protocol: "udp", static: fixed });
const free = async () => true;
const none: ReadonlySet<number> = new Set();

describe("regionPorts", () => {
  it("gives every region its own part", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), (count) => {
        const parts = Array.from({ length: count }, (_, i) => regionPorts(i, count));
        for (const [i, { first, last }] of parts.entries()) {
          expect(first).toBeGreaterThanOrEqual(
            parts[i - 1] === undefined ? LOCAL_PORTS.first : (parts[i - 1]?.last ?? 0) + 1,
          );
          expect(last).toBeGreaterThanOrEqual(first);
          expect(last).toBeLessThanOrEqual(LOCAL_PORTS.last);
        }
      }),
    );
  });
});

describe("PortPool", () => {
  const range = { first: 100, last: 109 };

  it("never gives one port to two, however many ask at once", async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0, max: 0.999, noNaN: true }), async (random) => {
        const pool = new PortPool(range, free, () => random);
        const choices = await Promise.all([1, 2, 3, 4, 5].map(() => pool.choose([wish("a"), wish("b")], none, none)));
        const ports = choices.flatMap((choice) => (choice.ok ? Object.values(choice.ports) : []));
        expect(new Set(ports).size).toBe(10);
        expect(Math.min(...ports)).toBe(100);
        expect(Math.max(...ports)).toBe(109);
      }),
    );
  });

  it("leaves out what is held, ending, wished for by number, or not free", async () => {
    const pool = new PortPool(
      range,
      async (port) => port !== 103,
      () => 0,
    );
    const choice = await pool.choose([wish("a"), wish("fixed", 102), wish("b")], new Set([100]), new Set([101]));
    expect(choice).toEqual({ ok: true, ports: { fixed: 102, a: 104, b: 105 } });
  });

  it("says when there is none left", async () => {
    const pool = new PortPool(
      range,
      async () => false,
      () => 0.5,
    );
    expect(await pool.choose([wish("a")], none, none)).toEqual({ ok: false, taken: undefined });
  });

  it("says which fixed port is taken, by a server or by somebody else", async () => {
    const pool = new PortPool(
      range,
      async (port) => port !== 7,
      () => 0,
    );
    expect(await pool.choose([wish("a", 5)], new Set([5]), none)).toEqual({ ok: false, taken: { name: "a", port: 5 } });
    expect(await pool.choose([wish("a", 7)], none, none)).toEqual({ ok: false, taken: { name: "a", port: 7 } });
  });

  it("promises a fixed port whose server is on its way out, though that still listens", async () => {
    const pool = new PortPool(
      range,
      async () => false,
      () => 0,
    );
    expect(await pool.choose([wish("a", 5)], none, new Set([5]))).toEqual({ ok: true, ports: { a: 5 } });
  });
});

describe("isPortFree", () => {
  it.each(["0.0.0.0", "127.0.0.1"])("knows who listens on %s, TCP or UDP", async (host) => {
    // Not ports that the system chooses: it gives the same to outgoing connections of others once they are free.
    const [tcpPort = 0, udpPort = 0] = await freePorts(2);
    const tcp = createServer();
    await new Promise<void>((resolve) => tcp.listen(tcpPort, host, resolve));
    const udp = createSocket("udp4");
    await new Promise<void>((resolve) => udp.bind(udpPort, host, resolve));
    expect([await isPortFree(tcpPort), await isPortFree(udpPort)]).toEqual([false, false]);
    await new Promise<void>((resolve) => tcp.close(() => resolve()));
    await new Promise<void>((resolve) => udp.close(resolve));
    expect([await isPortFree(tcpPort), await isPortFree(udpPort)]).toEqual([true, true]);
  });
});
