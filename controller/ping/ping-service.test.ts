import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { request } from "undici";
import { VirtualClock } from "../../protocol/virtual-clock";
import { PacketLimits } from "./packet-limits";
import { startPingService, type PingService } from "./ping-service";

let service: PingService;
let socket: Socket;
const clock = new VirtualClock();

beforeEach(async () => {
  service = await startPingService({ host: "127.0.0.1", port: 0, rateLimit: 3 }, clock);
  socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
});
afterEach(async () => {
  socket.close();
  await service.close();
});

async function echo(packet: Buffer): Promise<Buffer> {
  const answer = once(socket, "message");
  socket.send(packet, service.udpPort, "127.0.0.1");
  const [back] = (await answer) as [Buffer];
  return back;
}

test("answers every HTTP request, and sends each packet back, at most 1 KiB of it", async () => {
  const { statusCode, body } = await request(`http://127.0.0.1:${service.httpPort}/any`, { method: "POST", body: "x" });
  expect([statusCode, await body.text()]).toEqual([200, "ok"]);
  expect(await echo(Buffer.from("hello\u0000"))).toEqual(Buffer.from("hello\u0000"));
  expect((await echo(Buffer.alloc(4000, 7))).length).toBe(1024);
});

test("sends no more back than the rate of an address, which fills again with time", () => {
  const limits = new PacketLimits(3);
  const allowed = (atMs: number): number => [1, 2, 3, 4, 5].filter(() => limits.allows("one", atMs)).length;
  expect([allowed(0), allowed(1), allowed(1000), allowed(1340), limits.allows("another", 1340)]).toEqual([
    3,
    0,
    3,
    1,
    true,
  ]);
});

test("keeps no address for ever, nor more than it can", () => {
  const limits = new PacketLimits(1);
  for (let i = 0; i < 50_000; i++) expect(limits.allows(`a${i}`, 0)).toBe(true);
  expect(limits.allows("one more", 0)).toBe(false);
  limits.forgetOld(60_001);
  expect(limits.allows("one more", 60_001)).toBe(true);
});
