import { RequestCache, type ReadRequest } from "./request-cache";

const request = (namespace: string): ReadRequest => ({ namespace, spec: {}, ask: {} as never });

it("reads the same bytes once, and forgets the oldest", () => {
  const cache = new RequestCache();
  const read = jest.fn((bytes: Buffer) => request(bytes.toString()));
  const get = (text: string): ReadRequest => cache.get(Buffer.from(text), read);
  expect(get("a")).toBe(get("a"));
  expect(get("b").namespace).toBe("b");
  expect(read).toHaveBeenCalledTimes(2);
  for (let n = 0; n < 64; n++) get(`other ${n}`);
  get("a");
  expect(read).toHaveBeenCalledTimes(2 + 64 + 1);
});

it("keeps neither what cannot be read nor what is large", () => {
  const cache = new RequestCache();
  const broken = jest.fn(() => {
    throw new Error("no message");
  });
  for (let n = 0; n < 2; n++) expect(() => cache.get(Buffer.from("x"), broken)).toThrow("no message");
  expect(broken).toHaveBeenCalledTimes(2);
  const read = jest.fn(() => request("large"));
  for (let n = 0; n < 2; n++) cache.get(Buffer.alloc(9000), read);
  expect(read).toHaveBeenCalledTimes(2);
});

it("tells bytes apart that are no text", () => {
  const cache = new RequestCache();
  const read = (bytes: Buffer): ReadRequest => request(bytes.toString("hex"));
  const all = Array.from({ length: 64 }, (_, n) => cache.get(Buffer.from([0xff - n]), read).namespace);
  expect(new Set(all).size).toBe(64);
});
