import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VirtualClock } from "../protocol/virtual-clock";
import { openSecrets, type LiveSecrets } from "./run-secrets";

const FIRST = "a".repeat(64);
const SECOND = "b".repeat(64);

/** TEST DOUBLE of Vault: a login with any identity gives a token, each of which may be refused from some time on. */
let vault: Server;
let kept: Record<string, string>;
const refused = new Set<string>();
let folder: string;
let clock: VirtualClock;
const open: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "forge-secrets-"));
  clock = new VirtualClock();
  kept = { shared: FIRST };
  vault = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += String(chunk)));
    request.on("end", () => {
      const who = request.url?.endsWith("/login")
        ? (JSON.parse(body) as { jwt: string }).jwt
        : String(request.headers["x-vault-token"]);
      if (refused.has(who)) return void response.writeHead(403).end("{}");
      const answer = request.url?.includes("/auth/")
        ? { auth: { client_token: who, lease_duration: 1800 } }
        : { data: { data: kept } };
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
    });
  }).listen(0, "127.0.0.1");
  await once(vault, "listening");
});
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
  vault.close();
  vault.closeAllConnections();
  refused.clear();
  rmSync(folder, { recursive: true, force: true });
});

/** One version of a program, with an identity of its own and the copy that all of them have. */
async function program(identity: string): Promise<LiveSecrets<"shared">> {
  const identityFile = join(folder, identity);
  writeFileSync(identityFile, identity);
  const { port } = vault.address() as AddressInfo;
  const live = await openSecrets(
    {
      kind: "vault",
      ...{ address: `http://127.0.0.1:${String(port)}`, authMount: "jwt", role: "gate", kvMount: "kv", kvPath: "run" },
      ...{ identityFile, copy: join(folder, "gate-secrets.json") },
    },
    ["shared"],
    { clock, random: () => 0.5, env: {}, log: { warn: () => undefined, info: () => undefined } },
  );
  open.push(live);
  return live;
}

/** Every program looks once more. */
async function nextLook(): Promise<void> {
  const calls = once(vault, "request");
  clock.advance(30_000);
  await calls;
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
}

async function become(look: () => unknown, wanted: unknown): Promise<void> {
  for (let tries = 0; tries < 20 && JSON.stringify(look()) !== JSON.stringify(wanted); tries++) await nextLook();
  expect(look()).toEqual(wanted);
}

it("follows a changed secret by the copy where its own identity has ended, as a gate's that is to go", async () => {
  const old = await program("old");
  const next = await program("next");
  expect([old.now.shared, next.now.shared]).toEqual([[FIRST], [FIRST]]);
  refused.add("old");
  kept = { shared: SECOND, previousShared: FIRST };
  const told: unknown[] = [];
  old.subscribe(({ shared }) => told.push(shared));
  await become(() => next.now.shared, [SECOND, FIRST]);
  await become(() => old.now.shared, [SECOND, FIRST]);
  expect(told).toEqual([[SECOND, FIRST]]);
});

it("keeps what it has where nobody else has read another", async () => {
  const old = await program("old");
  refused.add("old");
  kept = { shared: SECOND };
  for (let i = 0; i < 5; i++) await nextLook();
  expect(old.now.shared).toEqual([FIRST]);
});
