import { loadConfig } from "./load";
import { servicePort } from "./local-ports";

const GAME = '[experiences.arena]\ncommand = "/bin/arena"\ndriver = "exec"\nmax_players = 4\n';
const load = (text: string) => loadConfig({ file: "forge.toml", readFile: () => `${text}\n${GAME}` }).config;
const MTLS = '[allocator]\nauth = "mtls"\ncert_file = "a"\nkey_file = "b"\nclient_ca_dir = "c"\n';
const CLUSTER = '[[regions]]\nname = "far"\nengine = "nomad"\n';

test("ports are counted on from the first region's", () => {
  const regions = '[[regions]]\nname = "a"\n[[regions]]\nname = "b"\n';
  const { allocator, ping, regions: read } = load(`${regions}[allocator]\nport = 9000\n[ping]\n`);
  const ports = read.map((region) => [
    servicePort(region, "allocator", allocator?.port),
    servicePort(region, "ping", ping?.port),
  ]);
  expect(ports).toEqual([
    [9000, 7400],
    [9001, 7401],
  ]);
});

test.each([
  [
    "no certificate with mutual TLS",
    '[allocator]\nauth = "mtls"\ncert_file = "a"\nkey_file = "b"',
    "allocator.client_ca_dir",
  ],
  ["a certificate without it", '[allocator]\ncert_file = "a"', "allocator.cert_file"],
  ["plain connections from other machines", '[allocator]\nhost = "0.0.0.0"', "allocator.host"],
  ["an open door on a cluster", `${CLUSTER}[allocator]\nauth = "none"`, "allocator.auth"],
  ["ports beyond the last", '[[regions]]\nname = "a"\n[[regions]]\nname = "b"\n[ping]\nport = 65535', "ping.port"],
])("refuses %s", (_what, text, path) => {
  expect(() => load(text)).toThrow(path);
});

test.each([MTLS, `${MTLS}host = "0.0.0.0"`, `${CLUSTER}[allocator]`, '[allocator]\nauth = "none"\nhost = "127.0.0.1"'])(
  "takes %j",
  (text) => expect(load(text).allocator).toBeDefined(),
);
