import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findSocket } from "./socket-table";

const HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
const TABLE = `   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 111 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 222 1 0 20 4 30 10 -1
  12: 0100007F:C350 0100007F:1F90 01 00000000:00000000 02:000A7214 00000000  1000        0 333 2 0 20 4 24 10 -1
  13: 0100007F:C351 0100007F:1F90 06 00000000:00000000 03:00000D5A 00000000     0        0 0 3 0
`;

describe("a socket's inode", () => {
  let folder: string;
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), "forge-sockets-"))));
  afterAll(() => rmSync(folder, { recursive: true }));
  const find = (text: string, local: number, remote: number): Promise<string | undefined> => {
    const file = join(folder, "tcp");
    writeFileSync(file, text);
    return findSocket(file, { local, remote });
  };

  test.each([
    ["the caller's end", 50000, 8080, "333"],
    ["the gate's end", 8080, 50000, "222"],
    ["one that nobody holds any more", 50001, 8080, undefined],
    ["none", 50002, 8080, undefined],
  ])("%s", async (_name, local, remote, inode) => expect(await find(HEAD + TABLE, local, remote)).toBe(inode));

  test("is whole wherever in the table a page ends", async () => {
    for (let before = 0; before < 400; before += 1) {
      const filler = `${"-".repeat(3700 + before)}\n`;
      expect(await find(filler + TABLE, 50000, 8080)).toBe("333");
    }
  });

  test("is found behind thousands of others, while others get their turn", async () => {
    let turns = 0;
    const others = setInterval(() => (turns += 1), 0);
    expect(await find(HEAD + TABLE.split("\n")[0]?.concat("\n").repeat(5000) + TABLE, 50000, 8080)).toBe("333");
    clearInterval(others);
    expect(turns).toBeGreaterThan(0);
  });

  test("is not known where there is no table", async () => {
    expect(await findSocket(join(folder, "none"), { local: 50000, remote: 8080 })).toBeUndefined();
  });
});
