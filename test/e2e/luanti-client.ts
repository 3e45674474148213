import { createHash, randomBytes } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { setTimeout } from "node:timers/promises";

/**
 * As much of a Luanti (Minetest) client as it takes to be a player on a real server without a display: it registers or
 * logs in, says that it is ready, and leaves. What the server tells it of the world is acknowledged and thrown away.
 *
 * The protocol is that of Luanti 5: reliable packets over UDP (doc of src/network/connection.h), the commands of
 * src/network/networkprotocol.h, and SRP-6a with SHA-256 over the 2048-bit group of RFC 5054.
 */
export class LuantiClient {
  private peerId = 0;
  private greeted = false;
  /** By channel, the number of the next reliable packet. */
  private readonly nextSeq = [FIRST_SEQ, FIRST_SEQ, FIRST_SEQ];
  private readonly unacknowledged = new Map<string, Buffer>();
  /** By channel and number: a server whose acknowledgement is late sends once more, and takes a second answer for a second player. */
  private readonly received = new Set<string>();
  private readonly secret = toNumber(randomBytes(32));
  private readonly resend: NodeJS.Timeout;
  private accepted: (() => void) | undefined;
  private refused: ((error: Error) => void) | undefined;

  private constructor(
    private readonly socket: Socket,
    private readonly name: string,
    private readonly password: string,
  ) {
    socket.on("message", (packet) => this.receive(packet.readUInt8(6), packet.subarray(7)));
    this.resend = setInterval(() => {
      for (const packet of this.unacknowledged.values()) socket.send(packet);
      // A server drops it where it has not taken note of the peer yet, so clients say it until they are heard.
      if (!this.greeted) this.introduce();
    }, RESEND_MS);
  }

  /**
   * Resolves when the server has let the player in; it then soon says that they have joined. A server that has just
   * logged that a player leaves counts the name as taken until its next step, and refuses it: such a player tries again.
   */
  static async join(port: number, name: string, password = "a password of this test"): Promise<LuantiClient> {
    for (let tries = 1; ; tries++)
      try {
        return await LuantiClient.tryToJoin(port, name, password);
      } catch (error) {
        if (!(error instanceof NameTaken) || tries === MAX_TRIES) throw error;
        await setTimeout(RESEND_MS);
      }
  }

  private static async tryToJoin(port: number, name: string, password: string): Promise<LuantiClient> {
    const socket = createSocket("udp4");
    await new Promise<void>((resolve) => socket.connect(port, "127.0.0.1", resolve));
    const client = new LuantiClient(socket, name, password);
    try {
      await new Promise<void>((resolve, reject) => {
        client.accepted = resolve;
        client.refused = reject;
        socket.once("error", reject);
        client.reliable(0, Buffer.from([ORIGINAL, 0, 0]));
      });
    } catch (error) {
      client.close();
      throw error;
    }
    // A server that is killed answers no more: that is no error of the client's.
    socket.on("error", () => undefined);
    return client;
  }

  /** Says goodbye. */
  leave(): void {
    this.send(0, Buffer.from([CONTROL, 3]));
    this.close();
  }

  /** Hangs up without a word. */
  close(): void {
    clearInterval(this.resend);
    try {
      this.socket.close();
    } catch {
      // It is closed.
    }
  }

  private receive(channel: number, packet: Buffer): void {
    const type = packet.readUInt8(0);
    if (type === RELIABLE) {
      const ack = Buffer.from([CONTROL, 0, 0, 0]);
      ack.writeUInt16BE(packet.readUInt16BE(1), 2);
      this.send(channel, ack);
      const number = `${channel} ${packet.readUInt16BE(1)}`;
      if (this.received.has(number)) return;
      this.received.add(number);
      this.receive(channel, packet.subarray(3));
    } else if (type === CONTROL) this.control(channel, packet);
    else if (type === ORIGINAL) this.command(packet.readUInt16BE(1), packet.subarray(3));
  }

  private control(channel: number, packet: Buffer): void {
    const kind = packet.readUInt8(1);
    if (kind === 0) this.unacknowledged.delete(`${channel} ${packet.readUInt16BE(2)}`);
    if (kind !== 1 || this.peerId !== 0) return;
    this.peerId = packet.readUInt16BE(2);
    this.introduce();
  }

  private introduce(): void {
    if (this.peerId === 0) return;
    // Serialisation version, no compression, protocol versions, name.
    const body = Buffer.from([28, 0, 0, 0, 37, 0, 39]);
    this.send(1, Buffer.concat([Buffer.from([ORIGINAL, 0, 0x02]), body, text(this.name)]));
  }

  private command(code: number, body: Buffer): void {
    switch (code) {
      case 0x02: // hello, with the ways to log in
        if (!this.greeted) this.logIn(body.readUInt32BE(5));
        this.greeted = true;
        return;
      case 0x60: // salt and B
        return this.prove(body);
      case 0x03: // let in
        this.tell(0x11, text(""));
        this.tell(0x43, Buffer.from([5, 4, 0, 0]), text("test"), Buffer.from([0, 4]));
        this.accepted?.();
        return;
      case 0x0a: // refused
        return this.refuse(body.readUInt8(0));
    }
  }

  private refuse(reason: number): void {
    const text = `the server refuses ${this.name} with reason ${reason}`;
    this.refused?.(reason === ALREADY_CONNECTED ? new NameTaken(text) : new Error(text));
  }

  private logIn(ways: number): void {
    if ((ways & 4) !== 0) {
      const salt = randomBytes(16);
      const verifier = power(G, this.passwordNumber(salt));
      this.tell(0x50, text(salt), text(toBytes(verifier)), Buffer.from([0]));
    } else this.tell(0x51, text(toBytes(power(G, this.secret))), Buffer.from([1]));
  }

  private prove(body: Buffer): void {
    const salt = body.subarray(2, 2 + body.readUInt16BE(0));
    const b = toNumber(body.subarray(2 + salt.length + 2));
    const a = power(G, this.secret);
    const x = this.passwordNumber(salt);
    const k = toNumber(sha256(toBytes(N), padded(G)));
    const u = toNumber(sha256(padded(a), padded(b)));
    const base = (((b - k * power(G, x)) % N) + N) % N;
    const key = sha256(toBytes(power(base, this.secret + u * x)));
    const groupHash = sha256(toBytes(N)).map((byte, i) => byte ^ (sha256(toBytes(G))[i] ?? 0));
    const proof = sha256(Buffer.from(groupHash), sha256(Buffer.from(this.name)), salt, toBytes(a), toBytes(b), key);
    this.tell(0x52, text(proof));
  }

  private passwordNumber(salt: Buffer): bigint {
    return toNumber(sha256(salt, sha256(Buffer.from(`${this.name.toLowerCase()}:${this.password}`))));
  }

  private tell(code: number, ...parts: readonly Buffer[]): void {
    this.reliable(1, Buffer.concat([Buffer.from([ORIGINAL, code >> 8, code & 255]), ...parts]));
  }

  private reliable(channel: number, inner: Buffer): void {
    const seq = this.nextSeq[channel] ?? FIRST_SEQ;
    this.nextSeq[channel] = (seq + 1) & 0xffff;
    const packet = this.send(channel, Buffer.concat([Buffer.from([RELIABLE, seq >> 8, seq & 255]), inner]));
    this.unacknowledged.set(`${channel} ${seq}`, packet);
  }

  private send(channel: number, inner: Buffer): Buffer {
    const head = Buffer.from([0x4f, 0x45, 0x74, 0x03, this.peerId >> 8, this.peerId & 255, channel]);
    const packet = Buffer.concat([head, inner]);
    this.socket.send(packet);
    return packet;
  }
}

const CONTROL = 0;
const ORIGINAL = 1;
const RELIABLE = 3;
const FIRST_SEQ = 65_500;
const RESEND_MS = 500;
/** AccessDeniedCode of src/network/networkprotocol.h. */
const ALREADY_CONNECTED = 8;
/** A server steps ten times a second where it has the time; one that keeps the name for longer has that player in. */
const MAX_TRIES = 20;

class NameTaken extends Error {}

const G = 2n;
/** RFC 5054, appendix A, 2048 bit. */
const N = BigInt(
  "0xac6bdb41324a9a9bf166de5e1389582faf72b6651987ee07fc3192943db56050a37329cbb4a099ed8193e0757767a13dd52312ab4b03310dcd7f48a9da04fd50e8083969edb767b0cf6095179a163ab3661a05fbd5faaae82918a9962f0b93b855f97993ec975eeaa80d740adbf4ff747359d041d5c33ea71d281e446b14773bca97b43a23fb801676bd207a436c6481f1d2b9078717461a5b9d32e688f87748544523b524b0d57d5ea77a2775d2ecfa032cfbdbf52fb3786160279004e57ae6af874e7303ce53299ccc041c7bc308d82a5698f3a8d0c38271ae35f8e9dbfbb694b5c803d89f7ae435de236d525f54759b65e372fcd68ef20fa7111f9e4aff73",
);

/** G^exponent mod N, or another base's. */
function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let square = base % N, left = exponent; left > 0n; left >>= 1n, square = (square * square) % N)
    if ((left & 1n) === 1n) result = (result * square) % N;
  return result;
}

function sha256(...parts: readonly Buffer[]): Buffer {
  return createHash("sha256").update(Buffer.concat(parts)).digest();
}

function toNumber(bytes: Buffer): bigint {
  return BigInt(`0x${bytes.toString("hex") || "0"}`);
}

function toBytes(number: bigint): Buffer {
  const hex = number.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
}

/** As long as N. */
function padded(number: bigint): Buffer {
  const bytes = toBytes(number);
  return Buffer.concat([Buffer.alloc(256 - bytes.length), bytes]);
}

/** With its length in front. */
function text(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
}
