import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { chmod, rename } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { request } from "undici";
import { InfraError, systemCode } from "../failure";
import type { Release } from "./release";
import { unzipOne } from "./unzip";

/** Two connections that are slow still finish; one that stands still does not hold anybody up. */
const STILL_MS = 30_000;
/** Of a list of checksums. */
const LIST_LIMIT = 1024 ** 2;

/**
 * Fetches a release, compares its archive with the makers' checksum, and puts the program into a folder, executable. What
 * lies there is replaced whole or not at all.
 *
 * @param folder made where missing
 * @returns the program's file
 * @throws {InfraError} `download`: no network, not published, cut short, wrong checksum, no program inside; `diskFull`
 */
export async function getRelease(release: Release, folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const scratch = mkdtempSync(join(folder, ".getting-"));
  try {
    const wanted = await checksumOf(release);
    const archive = join(scratch, "archive.zip");
    await download(release, archive);
    const found = await hashOf(archive);
    if (found !== wanted) {
      const message = `${release.archive} has the checksum ${found}, and its makers say ${wanted}`;
      throw new InfraError(
        "download",
        message,
        "run the same again; where it stays, something between changes the file",
      );
    }
    const made = join(scratch, release.program);
    await unzipOne(archive, release.program, made);
    await chmod(made, 0o755);
    const file = join(folder, release.program);
    await rename(made, file);
    return file;
  } catch (error) {
    throw explained(error, release);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function checksumOf({ url, checksums, archive }: Release): Promise<string> {
  const { statusCode, body } = await request(`${url}/${checksums}`, {
    headersTimeout: STILL_MS,
    bodyTimeout: STILL_MS,
  });
  const text = (await body.text()).slice(0, LIST_LIMIT);
  if (statusCode !== 200) throw notPublished(`${url}/${checksums}`, statusCode);
  const line = text.split("\n").find((each) => each.trim().endsWith(` ${archive}`));
  const hash = /^[0-9a-f]{64}(?=\s)/.exec(line?.trim() ?? "")?.[0];
  if (hash !== undefined) return hash;
  throw new InfraError("download", `${url}/${checksums} has no checksum of ${archive}`, "install the program by hand");
}

async function download({ url, archive }: Release, to: string): Promise<void> {
  const address = `${url}/${archive}`;
  const { statusCode, headers, body } = await request(address, { headersTimeout: STILL_MS, bodyTimeout: STILL_MS });
  if (statusCode !== 200) {
    await body.dump();
    throw notPublished(address, statusCode);
  }
  let bytes = 0;
  const counted = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      bytes += chunk.length;
      yield chunk;
    }
  };
  await pipeline(Readable.from(counted(body as AsyncIterable<Buffer>)), createWriteStream(to));
  const announced = Number(headers["content-length"] ?? bytes);
  if (bytes === announced) return;
  const message = `${address} was cut short: ${String(bytes)} of ${String(announced)} bytes came`;
  throw new InfraError("download", message, "run the same again");
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

function notPublished(address: string, status: number): InfraError {
  return new InfraError("download", `${address} answered ${String(status)}`, "install the program by hand");
}

function explained(error: unknown, { url, archive }: Release): unknown {
  if (error instanceof InfraError || systemCode(error) === "ENOSPC") return error;
  const code = systemCode(error);
  const reason = (error as Error).message || code || "no reason given";
  const cut = code === "UND_ERR_SOCKET" || code === "UND_ERR_BODY_TIMEOUT" || code === "ECONNRESET";
  const message = cut ? `${url}/${archive} was cut short: ${reason}` : `${url} cannot be reached: ${reason}`;
  const fix = "check the network and run the same again, or install the program by hand and put it on PATH";
  return new InfraError("download", message, fix, { cause: error });
}
