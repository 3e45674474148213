import { crc32 } from "node:zlib";

/**
 * The journal's file: an 8-byte heading, then frames.
 *
 *     length     4 bytes, little endian: of the payload
 *     crc        4 bytes: CRC-32 of the payload
 *     check      4 bytes: CRC-32 of the 8 bytes before, so that a damaged length is not taken for a torn end
 *     payload    JSON
 *
 * A process that is killed leaves a prefix of what it wrote: an incomplete last frame is *torn* and is cut off. Zeros up
 * to the end are what some file systems leave after a power cut, and count as torn too. Anything else that does not
 * fit is damage, and nobody can know what followed it.
 */
export const HEADING = Buffer.from("FORGEJ1\n", "latin1");
const HEAD_BYTES = 12;
/** A saved state of 256 KiB in every frame would still be far below. */
const MAX_PAYLOAD_BYTES = 64 * 1024 * 1024;

export interface Scan {
  readonly payloads: readonly Buffer[];
  /** How much of the file is whole; what follows is torn. */
  readonly wholeBytes: number;
}

/** Damage in the middle: see `place` for where. */
export class JournalDamaged extends Error {
  constructor(
    readonly place: number,
    detail: string,
  ) {
    super(detail);
    this.name = "JournalDamaged";
  }
}

export function frame(payload: string): Buffer {
  const bytes = Buffer.byteLength(payload);
  const buffer = Buffer.allocUnsafe(HEAD_BYTES + bytes);
  buffer.write(payload, HEAD_BYTES, "utf8");
  buffer.writeUInt32LE(bytes, 0);
  buffer.writeUInt32LE(crc32(buffer.subarray(HEAD_BYTES)), 4);
  buffer.writeUInt32LE(crc32(buffer.subarray(0, 8)), 8);
  return buffer;
}

/** @throws {JournalDamaged} where something other than the end is wrong */
export function scan(file: Buffer): Scan {
  if (file.length < HEADING.length) {
    if (HEADING.subarray(0, file.length).equals(file) || isZeros(file)) return { payloads: [], wholeBytes: 0 };
    throw new JournalDamaged(0, "it does not begin as a journal does");
  }
  if (!HEADING.equals(file.subarray(0, HEADING.length))) {
    if (isZeros(file)) return { payloads: [], wholeBytes: 0 };
    throw new JournalDamaged(0, "it does not begin as a journal of this version does");
  }
  const payloads: Buffer[] = [];
  let at = HEADING.length;
  while (at + HEAD_BYTES <= file.length) {
    const bytes = file.readUInt32LE(at);
    const end = at + HEAD_BYTES + bytes;
    if (crc32(file.subarray(at, at + 8)) !== file.readUInt32LE(at + 8) || bytes === 0 || bytes > MAX_PAYLOAD_BYTES) {
      if (isZeros(file.subarray(at))) break;
      throw new JournalDamaged(at, "the head of a record is damaged");
    }
    if (end > file.length) break;
    const payload = file.subarray(at + HEAD_BYTES, end);
    if (crc32(payload) !== file.readUInt32LE(at + 4)) {
      // Blocks that a power cut left unwritten: the head was on an earlier one.
      if (isZeros(file.subarray(end)) && payload[payload.length - 1] === 0) break;
      throw new JournalDamaged(at, "a record is damaged");
    }
    payloads.push(payload);
    at = end;
  }
  return { payloads, wholeBytes: at };
}

function isZeros(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}
