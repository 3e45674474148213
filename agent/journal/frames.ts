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
  const written = withoutZeros(file);
  const begun = file.subarray(0, Math.min(HEADING.length, written));
  if (begun.length < HEADING.length && HEADING.subarray(0, begun.length).equals(begun)) {
    return { payloads: [], wholeBytes: 0 };
  }
  if (!begun.equals(HEADING)) throw new JournalDamaged(0, "it does not begin as a journal of this version does");

  const payloads: Buffer[] = [];
  let at = HEADING.length;
  while (at + HEAD_BYTES <= written) {
    const bytes = file.readUInt32LE(at);
    const end = at + HEAD_BYTES + bytes;
    if (crc32(file.subarray(at, at + 8)) !== file.readUInt32LE(at + 8) || bytes > MAX_PAYLOAD_BYTES) {
      throw new JournalDamaged(at, "the head of a record is damaged");
    }
    // JSON ends in no zero, so a payload that does is one whose end was never written.
    if (end > written) break;
    const payload = file.subarray(at + HEAD_BYTES, end);
    if (crc32(payload) !== file.readUInt32LE(at + 4)) throw new JournalDamaged(at, "a record is damaged");
    payloads.push(payload);
    at = end;
  }
  return { payloads, wholeBytes: at };
}

/** Where the zeros at the end begin. */
function withoutZeros(file: Buffer): number {
  let end = file.length;
  while (end > 0 && file[end - 1] === 0) end -= 1;
  return end;
}
