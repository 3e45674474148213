import { once } from "node:events";
import { type AddressInfo, connect, type Socket } from "node:net";
import { type ApiUnderTest, apiUnderTest } from "./api-under-test";

const LIMIT = 1024 * 1024;

describe("bodies as they come over a socket", () => {
  let api: ApiUnderTest;
  let socket: Socket;
  let text = "";
  beforeEach(async () => {
    api = apiUnderTest();
    await api.app.listen({ host: "127.0.0.1", port: 0 });
    socket = connect((api.app.server.address() as AddressInfo).port, "127.0.0.1").setNoDelay(true);
    text = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    socket.on("error", () => undefined);
    await once(socket, "connect");
  });
  afterEach(async () => {
    socket.destroy();
    await api.app.close();
  });

  const bodyOf = (playerId: string): string => JSON.stringify({ playerId, experienceId: "arena" });
  const head = (more: string): string =>
    `POST /v1/sessions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n` +
    `authorization: ${api.as("allocator")}\r\n${more}\r\n\r\n`;
  const sized = (body: string): string => head(`content-length: ${Buffer.byteLength(body)}`);
  const chunk = (part: Buffer | string): Buffer =>
    Buffer.concat([Buffer.from(`${Buffer.byteLength(part).toString(16)}\r\n`), Buffer.from(part), Buffer.from("\r\n")]);
  const statuses = (): number[] => [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));
  const players = (): unknown[] =>
    api.backend.asked.map(({ command }) => ("playerId" in command ? command.playerId : undefined));
  async function answered(count: number): Promise<number[]> {
    while (statuses().length < count) await once(socket, "data");
    return statuses();
  }

  it("reads one after the other, and several that came in one packet", async () => {
    for (const [n, playerId] of ["ann", "ben", "åsa"].entries()) {
      socket.write(sized(bodyOf(playerId)) + bodyOf(playerId));
      await answered(n + 1);
    }
    socket.write(["cat", "", "dan"].map((playerId) => sized(bodyOf(playerId)) + bodyOf(playerId)).join(""));
    // One of them is refused at once, before the end of its request was read.
    expect(await answered(6)).toEqual([200, 200, 200, 200, 422, 200]);
    expect(players()).toEqual(["ann", "ben", "åsa", "cat", "dan"]);
  });

  it("waits for what comes after the headers, in pieces that cut a letter in two", async () => {
    const body = Buffer.from(bodyOf("åsa"));
    const cut = body.indexOf("å") + 1;
    const begun = once(api.app.server, "request");
    socket.write(sized(body.toString()));
    await begun;
    socket.write(body.subarray(0, cut));
    socket.write(body.subarray(cut));
    expect(await answered(1)).toEqual([200]);
    expect(players()).toEqual(["åsa"]);
  });

  it("reads chunks whose sum nobody said before", async () => {
    const body = Buffer.from(bodyOf("ann"));
    socket.write(head("transfer-encoding: chunked"));
    for (const part of [body.subarray(0, 5), body.subarray(5)]) socket.write(chunk(part));
    socket.write("0\r\n\r\n");
    expect(await answered(1)).toEqual([200]);
    expect(players()).toEqual(["ann"]);
  });

  it.each([
    ["says that it is too large", () => head(`content-length: ${LIMIT + 1}`)],
    ["is", () => Buffer.concat([Buffer.from(head("transfer-encoding: chunked")), chunk(Buffer.alloc(LIMIT + 1, 32))])],
  ])("refuses one that %s", async (_what, bytes) => {
    socket.write(bytes());
    expect(await answered(1)).toEqual([413]);
    expect(text).toContain('"code":"bodyTooLarge"');
    expect(players()).toEqual([]);
  });

  it("takes an empty one for none", async () => {
    socket.write(head("content-length: 0"));
    expect(await answered(1)).toEqual([422]);
    expect(text).toContain('"code":"invalid"');
  });
});

describe("a body that is not read", () => {
  it.each([
    ["{", "application/json", "the body is not JSON: Expected property name or '}' in JSON at position 1"],
    ['{"playerId": tru}', "application/json", `the body is not JSON: Unexpected token '}', "{"playerId": tru}" is`],
    ["{}]", "application/json", "the body is not JSON: Unexpected non-whitespace character after JSON at position 2"],
    ['{"\\u005f_proto__": 1}', "application/json", 'the body has a key "__proto__", or'],
    [
      '{"a": {"constructor": {"prototype": 1}}}',
      "application/json",
      'the body has a key "__proto__", or "constructor"',
    ],
    ["{}", "text/plain; charset=utf-8", 'the body came as "text/plain; charset=utf-8"; send application/json'],
    ["{}", undefined, "the body came without a content-type; send application/json"],
  ])("has its reason told: %j as %s", async (body, type, detail) => {
    const api = apiUnderTest();
    const headers = { host: "localhost", authorization: api.as("allocator"), ...(type && { "content-type": type }) };
    const answer = await api.app.inject({ method: "POST", url: "/v1/sessions", payload: Buffer.from(body), headers });
    expect(answer.json<{ detail: string }>().detail.slice(0, detail.length)).toBe(detail);
    expect(api.backend.asked).toEqual([]);
    await api.app.close();
  });
});
