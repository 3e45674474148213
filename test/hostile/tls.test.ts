import { once } from "node:events";
import { mkdirSync, copyFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import { AllocationClient } from "../../controller/agones/testing/allocation-client";
import { Authorities } from "../../controller/agones/testing/authorities";
import { findProgram, skipUnless } from "../skips";
import { FLAG, frame, HELLO, TYPE } from "./http2-frames";
import { Victim } from "./victim";

const OPENSSL = findProgram("openssl");
/** A handshake has so long, and so has a first call, in milliseconds. */
const HELLO_MS = 2000;
/** The record that a ClientHello of 512 bytes begins with, and nothing of it. */
const HELLO_BEGUN = Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]);

skipUnless(
  "hostile TLS",
  "openssl is not installed, or this is not Linux",
  OPENSSL !== undefined && process.platform === "linux",
)("the allocation service with mutual TLS, before callers that are none", () => {
  let authorities: Authorities;
  let victim: Victim;
  let honest: AllocationClient;
  let sockets: number;
  const attackers: Socket[] = [];

  beforeAll(async () => {
    authorities = new Authorities(OPENSSL ?? "");
    for (const name of ["servers", "clients", "others"]) authorities.authority(name);
    authorities.certificate("server", "servers");
    authorities.certificate("good", "clients");
    authorities.certificate("foreign", "others");
    authorities.certificate("expired", "clients", -1);
    const clientCaDir = authorities.file("ca");
    mkdirSync(clientCaDir);
    copyFileSync(authorities.file("clients.crt"), authorities.file("ca/clients.crt"));
    const files = { certFile: authorities.file("server.crt"), keyFile: authorities.file("server.key"), clientCaDir };
    victim = await Victim.allocator({ auth: { kind: "mtls", files }, helloMs: HELLO_MS, firstCallMs: HELLO_MS });
    sockets = victim.sockets;
    honest = await AllocationClient.connect(`https://127.0.0.1:${victim.port}`, authorities.tls("good", "servers"));
    // Its first call has to come within that time too, and a test may take longer.
    await victim.serves(honest);
  });
  afterAll(async () => {
    await honest.close();
    await victim.stop();
    authorities.remove();
  });
  /** The one who is served is served on, and nothing is left of the others. */
  afterEach(async () => {
    await victim.serves(honest);
    for (const socket of attackers.splice(0)) socket.destroy();
    while (victim.alive && victim.sockets > sockets + 1) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(victim.alive).toBe(true);
    expect(victim.complaints).toBe("");
  });

  function dial(options: ConnectionOptions): TLSSocket {
    const { ca } = authorities.tls("good", "servers");
    const socket = connectTls({ host: "127.0.0.1", port: victim.port, ca, ALPNProtocols: ["h2"], ...options });
    socket.on("error", () => undefined);
    attackers.push(socket);
    return socket;
  }

  async function half(bytes: Uint8Array): Promise<Socket> {
    const socket = connect(victim.port, "127.0.0.1").on("error", () => undefined);
    attackers.push(socket);
    await once(socket, "connect");
    if (bytes.length > 0) socket.write(bytes);
    return socket;
  }

  test.each<[string, () => ConnectionOptions]>([
    ["no certificate", () => ({})],
    ["one of another authority", () => authorities.tls("foreign", "servers")],
    ["one that has expired", () => authorities.tls("expired", "servers")],
  ])("ends who shows %s, in both versions of TLS", async (_what, options) => {
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      const socket = dial({ maxVersion, ...options() });
      // In TLS 1.3 a client is through before it is refused.
      socket.once("secureConnect", () => socket.write(HELLO));
      let answered = 0;
      socket.on("data", (bytes: Buffer) => (answered += bytes.length));
      await closed(socket);
      expect(answered).toBe(0);
    }
  });

  test("serves on beside 600 handshakes that were begun and left, and ends them in time", async () => {
    const begun = await Promise.all(
      Array.from({ length: 600 }, (_, index) => half(HELLO_BEGUN.subarray(0, index % (HELLO_BEGUN.length + 1)))),
    );
    await victim.serves(honest);
    const newcomer = await AllocationClient.connect(
      `https://127.0.0.1:${victim.port}`,
      authorities.tls("good", "servers"),
    );
    await victim.serves(newcomer);
    await newcomer.close();
    await Promise.all(begun.map(closed));
  });

  test("ends a handshake that comes in drops", async () => {
    const slow = await half(HELLO_BEGUN);
    const drops = setInterval(() => slow.write(Buffer.from([0])), 50);
    await closed(slow);
    clearInterval(drops);
  });

  test("ends who negotiates again and again", async () => {
    const socket = dial({ ...authorities.tls("good", "servers"), maxVersion: "TLSv1.2", ALPNProtocols: ["http/1.1"] });
    await once(socket, "secureConnect");
    const again = (): void => void socket.renegotiate({}, (error) => (error ? socket.destroy() : again()));
    again();
    await closed(socket);
  });

  test("survives a client that sends garbage for headers and resets the connection (CVE-2025-59465)", async () => {
    const garbage = frame(TYPE.headers, FLAG.endHeaders, 1, Buffer.alloc(16_000, 0xff));
    for (let turn = 0; turn < 20; turn++) {
      const raw = await half(new Uint8Array());
      const socket = dial({ ...authorities.tls("good", "servers"), socket: raw });
      await once(socket, "secureConnect");
      socket.write(Buffer.concat([HELLO, ...Array.from({ length: 8 }, () => garbage)]), () => raw.resetAndDestroy());
      await victim.serves(honest);
    }
  });
});

async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.resume().once("close", resolve));
}
