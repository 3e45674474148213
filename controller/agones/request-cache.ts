import type { AllocationAsk } from "./allocation-spec";

/** A request of the allocation service, read and checked. */
export interface ReadRequest {
  readonly namespace: string;
  /** As it is passed on to another region. */
  readonly spec: unknown;
  readonly ask: AllocationAsk;
}

const MAX_REQUESTS = 64;
const MAX_BYTES = 8 * 1024;

/** Directors send the very same bytes for each match; reading them costs more than finding a server. The latest are kept. */
export class RequestCache {
  readonly #read = new Map<string, ReadRequest>();

  /** @throws whatever `read` throws; what cannot be read is not kept */
  get(bytes: Buffer, read: (bytes: Buffer) => ReadRequest): ReadRequest {
    if (bytes.length > MAX_BYTES) return read(bytes);
    const key = bytes.toString("latin1");
    const known = this.#read.get(key);
    if (known) return known;
    const request = read(bytes);
    const [oldest] = this.#read.keys();
    if (this.#read.size >= MAX_REQUESTS && oldest !== undefined) this.#read.delete(oldest);
    this.#read.set(key, request);
    return request;
  }
}
