import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runForTest } from "../cli-under-test";
import { freePorts } from "../../protocol/free-ports";

let folder: string;
let ports: readonly string[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "forge-sdk-"));
  const [grpc, http] = await freePorts(2);
  ports = ["--grpc-port", String(grpc), "--http-port", String(http)];
});
afterEach(() => rmSync(folder, { recursive: true }));

const env = { PATH: process.env["PATH"] ?? "" };

function gameServer(more = "", name = "gameserver.yaml"): string {
  const file = join(folder, name);
  writeFileSync(
    file,
    `apiVersion: agones.dev/v1\nkind: GameServer\nmetadata:\n  name: desk-1\n  labels: { mode: duel }\n${more}`,
  );
  return file;
}

/** A server in five lines of plain REST. */
const PROGRAM = `
const at = "http://127.0.0.1:" + process.env.AGONES_SDK_HTTP_PORT;
const post = (path, method = "POST", body = {}) => fetch(at + path, { method, body: JSON.stringify(body) });
(async () => {
  const { object_meta, status } = await (await fetch(at + "/gameserver")).json();
  await post("/ready");
  await post("/metadata/label", "PUT", { key: "a b", value: "" });
  process.exit(object_meta.name === "desk-1" && status.counters.rooms.count === "2" ? 7 : 1);
})();`;

it("starts the server's program, tells what it says, and ends with its exit code", async () => {
  gameServer("spec: { counters: { rooms: { count: 2, capacity: 5 } } }\n");
  const args = ["sdk", "local", "--json", "-f", "gameserver.yaml", ...ports, "--", process.execPath, "-e", PROGRAM];
  const { code, out, err } = await runForTest(args, { cwd: folder, env });
  expect({ code, err }).toEqual({ code: 7, err: "" });
  const lines = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines[0]).toMatchObject({ ready: { name: "desk-1", grpcPort: Number(ports[1]), token: expect.any(String) } });
  expect(lines).toContainEqual(expect.objectContaining({ call: "Ready", status: 200 }));
  expect(lines).toContainEqual(expect.objectContaining({ event: "ready", state: "Ready" }));
  expect(lines).toContainEqual(
    expect.objectContaining({ call: "SetLabel", status: 400, detail: expect.stringContaining("invalid label key") }),
  );
});

it("follows its file: labels, counters, and the state that it asks for", async () => {
  const file = gameServer("status: { state: Ready }\n");
  let heard = "";
  let tell = (): void => undefined;
  const until = async (text: string): Promise<void> => {
    while (!heard.includes(text)) await new Promise<void>((resolve) => (tell = resolve));
  };
  const onOut = (text: string): void => {
    heard += text;
    tell();
  };
  const args = ["sdk", "local", "--json", "-f", file, ...ports, "--timeout", "60"];
  let quit: (line: string) => void = () => undefined;
  const running = runForTest(args, { cwd: folder, env, onOut, onLine: (listener) => (quit = listener) });
  await until('"ready"');
  gameServer("metadata_typo: {}\nspec: { counters: { rooms: { count: -1 } } }\n");
  await until("spec.counters.rooms.count");
  writeFileSync(file, gameServerText("team", "status: { state: Allocated }\n"));
  await until("labels and annotations, Allocated");
  const answer = await fetch(`http://127.0.0.1:${ports[3]}/gameserver`);
  expect(await answer.json()).toMatchObject({
    object_meta: { labels: { mode: "team" } },
    status: { state: "Allocated" },
  });
  quit("quit");
  expect((await running).code).toBe(0);
});

function gameServerText(mode: string, more: string): string {
  return `apiVersion: agones.dev/v1\nkind: GameServer\nmetadata: { name: desk-1, labels: { mode: ${mode} } }\n${more}`;
}

it("ends when its time is over, and writes for people unless asked otherwise", async () => {
  const { code, out } = await runForTest(["sdk", "local", ...ports, "--timeout", "1"], { cwd: folder, env });
  expect(code).toBe(0);
  expect(out).toContain(`export AGONES_SDK_GRPC_PORT=${ports[1]}`);
  expect(out).toContain("allocate [PLAYER…]");
});

it.each([
  ["a file that is not there", undefined, /none.yaml cannot be read: ENOENT/],
  ["another kind", "apiVersion: apps/v1\nkind: Deployment\n", /apiVersion: must be agones.dev\/v1; kind: must be/],
  ["no YAML", "a: [", /none.yaml: /],
  ["two documents", "a: 1\n---\nb: 2\n", /has 2 documents/],
  [
    "a count below nothing",
    "apiVersion: agones.dev/v1\nkind: GameServer\nspec: { lists: { l: { capacity: 2000 } } }\n",
    /spec.lists.l.capacity/,
  ],
])("refuses %s", async (_what, text, says) => {
  if (text !== undefined) writeFileSync(join(folder, "none.yaml"), text);
  const { code, err } = await runForTest(["sdk", "local", "-f", "none.yaml", ...ports], { cwd: folder, env });
  expect(code).toBe(2);
  expect(err).toMatch(says);
  expect(err).toContain("fix:");
});

it("says that a program cannot be started", async () => {
  const { code, err } = await runForTest(["sdk", "local", ...ports, "--", "./no-such-server"], { cwd: folder, env });
  expect(code).toBe(2);
  expect(err).toContain("./no-such-server cannot be started");
});
