import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import pino from "pino";
import { RegionPeers } from "./region-peers";

const log = pino({ level: "silent" });
const SUMMARY = { region: "eu-west", state: "up", location: null, experiences: {} };

let server: Server;
beforeEach(async () => {
  server = createServer((_, response) => response.end(JSON.stringify(SUMMARY)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** Peers whose next question comes when the test says so, and after how long it would have come. */
function peersAt(url: string) {
  const delays: number[] = [];
  let next: () => void = () => undefined;
  const clock = {
    now: () => 0,
    after(ms: number, then: () => void) {
      delays.push(ms);
      next = then;
      return () => undefined;
    },
  };
  const regions = [
    { name: "us-east", url: undefined, location: undefined },
    { name: "eu-west", url, location: undefined },
  ];
  const peers = new RegionPeers({ region: "us-east", regions, token: () => "t", placeToken: () => "p", clock, log });
  const answered = (): Promise<void> => new Promise((resolve) => peers.start(() => resolve()));
  const polled = async (): Promise<void> => {
    const before = delays.length;
    next();
    while (delays.length === before) await new Promise((resolve) => setImmediate(resolve));
  };
  return { peers, delays, answered, polled };
}

test("a region that answers is asked each second", async () => {
  const { peers, delays, answered } = peersAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await answered();
  await new Promise((resolve) => setImmediate(resolve));
  expect([peers.summaries(), delays]).toEqual([[SUMMARY], [1000]]);
  peers.close();
});

test("one that has not answered yet is asked sooner, but not for ever", async () => {
  const { peers, delays, answered, polled } = peersAt("http://127.0.0.1:1");
  await answered();
  for (let polls = 1; polls < 32; polls++) await polled();
  expect(peers.summaries()).toEqual([]);
  expect(delays.slice(0, 29)).toEqual(Array.from({ length: 29 }, () => 100));
  expect(delays.slice(29)).toEqual([1000, 1000, 1000]);
  peers.close();
});
