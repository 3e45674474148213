import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import fc from "fast-check";
import { readLines, writeLine } from "./lines";

/** Two ends of a connection. */
async function pair(): Promise<{ a: Socket; b: Socket; end: () => Promise<void> }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
  const a = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const b = await accepted;
  const end = async (): Promise<void> => {
    a.destroy();
    b.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { a, b, end };
}

const failure = (socket: Socket): Promise<Error> => new Promise((resolve) => socket.on("error", resolve));

describe("lines of JSON", () => {
  it("arrive whole and in order however they are cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue(), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 7 }),
        async (values, size) => {
          const { a, b, end } = await pair();
          try {
            const got: unknown[] = [];
            const all = new Promise<void>((resolve) =>
              readLines(b, 1 << 20, (value) => got.push(value) === values.length && resolve()),
            );
            const bytes = Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join(""));
            for (let i = 0; i < bytes.length; i += size) a.write(bytes.subarray(i, i + size));
            await all;
            expect(JSON.stringify(got)).toBe(JSON.stringify(values));
          } finally {
            await end();
          }
        },
      ),
      { numRuns: 15 },
    );
  });

  it("end the connection when one is no JSON, or too long", async () => {
    for (const [text, message] of [
      ["nonsense\n", "no JSON: nonsense"],
      ["x".repeat(200), "over 100 characters"],
    ] as const) {
      const { a, b, end } = await pair();
      const failed = failure(b);
      readLines(b, 100, () => undefined);
      a.write(text);
      await expect(failed).resolves.toMatchObject({ message: expect.stringContaining(message) });
      await end();
    }
  });

  it("do not pile up for a reader who does not read", async () => {
    const { a, b, end } = await pair();
    b.pause();
    const failed = failure(a);
    for (let i = 0; i < 200 && !a.destroyed; i++) writeLine(a, "x".repeat(100_000));
    await expect(failed).resolves.toMatchObject({ message: expect.stringContaining("does not read") });
    writeLine(a, "after the end");
    await end();
  });
});
