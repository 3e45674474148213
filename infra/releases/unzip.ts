import { createWriteStream } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createInflateRaw } from "node:zlib";
import { InfraError } from "../failure";

/** Signatures and sizes of a zip's records (APPNOTE.TXT of PKWARE). */
const END = { signature: 0x06054b50, bytes: 22, longestComment: 65_535 };
const ENTRY = { signature: 0x02014b50, bytes: 46 };
const LOCAL = { signature: 0x04034b50, bytes: 30 };
const STORED = 0;
const DEFLATED = 8;

/**
 * Writes one file of a zip archive. Node has no reader of its own, and a release holds a program and a licence: names are
 * compared, never used as paths. Archives beyond 4 GiB (zip64) are not read.
 *
 * @throws {InfraError} `download` where the archive has no such file, or is none
 */
export async function unzipOne(archive: string, name: string, to: string): Promise<void> {
  const file = await open(archive, "r");
  try {
    const entry = await findEntry(file, name, archive);
    const local = await read(file, entry.offset, LOCAL.bytes);
    if (local.readUInt32LE(0) !== LOCAL.signature) throw broken(archive);
    const start = entry.offset + LOCAL.bytes + local.readUInt16LE(26) + local.readUInt16LE(28);
    const source =
      entry.compressed === 0
        ? Readable.from([])
        : file.createReadStream({ start, end: start + entry.compressed - 1, autoClose: false });
    if (entry.method === STORED) await pipeline(source, createWriteStream(to));
    else if (entry.method === DEFLATED) await pipeline(source, createInflateRaw(), createWriteStream(to));
    else throw broken(archive);
  } finally {
    await file.close();
  }
}

interface Entry {
  readonly method: number;
  readonly compressed: number;
  readonly offset: number;
}

async function findEntry(file: FileHandle, name: string, archive: string): Promise<Entry> {
  const { size } = await file.stat();
  const tailBytes = Math.min(size, END.bytes + END.longestComment);
  const tail = await read(file, size - tailBytes, tailBytes);
  let at = tail.length - END.bytes;
  while (at >= 0 && tail.readUInt32LE(at) !== END.signature) at -= 1;
  if (at < 0) throw broken(archive);
  const directory = await read(file, tail.readUInt32LE(at + 16), tail.readUInt32LE(at + 12));
  for (let from = 0; from + ENTRY.bytes <= directory.length;) {
    if (directory.readUInt32LE(from) !== ENTRY.signature) throw broken(archive);
    const [nameBytes, extra, comment] = [28, 30, 32].map((offset) => directory.readUInt16LE(from + offset));
    const found = directory.toString("utf8", from + ENTRY.bytes, from + ENTRY.bytes + (nameBytes ?? 0));
    if (found === name) {
      return {
        method: directory.readUInt16LE(from + 10),
        compressed: directory.readUInt32LE(from + 20),
        offset: directory.readUInt32LE(from + 42),
      };
    }
    from += ENTRY.bytes + (nameBytes ?? 0) + (extra ?? 0) + (comment ?? 0);
  }
  throw new InfraError("download", `${archive} has no file "${name}" in it`, "install the program by hand");
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  await file.read(buffer, 0, length, position);
  return buffer;
}

function broken(archive: string): InfraError {
  return new InfraError("download", `${archive} is no archive that can be read`, "run the same again");
}
