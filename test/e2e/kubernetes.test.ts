import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, type AddressInfo, type Socket } from "node:net";
import { createServer, type Server as TlsServer } from "node:tls";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Server } from "../../controller/core/resources";
import { findPart } from "../cluster/real-parts";
import { findProgram, skipUnless } from "../skips";
import { ForgeRun } from "./forge-run";

jest.setTimeout(90_000);

/** A server in one line, on Agones' REST. */
const SERVER =
  "const at='http://127.0.0.1:'+process.env.AGONES_SDK_HTTP_PORT;const call=(p)=>fetch(at+p,{method:'POST',body:'{}'});" +
  "call('/ready');setInterval(()=>call('/health'),1000)";
const CONFIG = `
[[regions]]
name = "east"
[experiences.arena]
command = "${process.execPath}"
args = ["-e", "${SERVER}"]
max_players = 4
sdk = "agones"
seats = "match"
scaling = { min_servers = 3, max_servers = 3 }
`;
const ALLOCATION = {
  apiVersion: "allocation.agones.dev/v1",
  kind: "GameServerAllocation",
  spec: { selectors: [{ matchLabels: { "agones.dev/fleet": "arena" } }], metadata: { labels: { mode: "duel" } } },
};

const KUBECTL = findProgram("kubectl");
const OPENSSL = findProgram("openssl");
const CLIENTSET = findPart("agones-clientset-client");
const run = promisify(execFile);

/** TLS before a controller, as a proxy ends it: clients of Kubernetes show tokens over nothing else. */
class Edge {
  readonly #sockets = new Set<Socket>();

  private constructor(
    private readonly server: TlsServer,
    readonly folder: string,
  ) {}

  static async before(controller: string): Promise<Edge> {
    const folder = mkdtempSync(join(tmpdir(), "forge-edge-"));
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key.pem"];
    const name = ["-subj", "/CN=edge", "-addext", "subjectAltName=IP:127.0.0.1"];
    const args = ["req", "-x509", ...key, "-out", "edge.pem", "-days", "2", ...name];
    execFileSync(OPENSSL ?? "", args, { cwd: folder, stdio: "ignore" });
    const [pem, cert] = ["key.pem", "edge.pem"].map((file) => readFileSync(join(folder, file)));
    const edge = new Edge(
      createServer({ key: pem, cert, ALPNProtocols: ["http/1.1"] }, (socket) => edge.#pass(socket, controller)),
      folder,
    );
    edge.server.listen(0, "127.0.0.1");
    await once(edge.server, "listening");
    return edge;
  }

  kubeconfig(token: string): string {
    const { port } = this.server.address() as AddressInfo;
    const file = join(this.folder, "kubeconfig");
    const cluster = { server: `https://127.0.0.1:${port}`, "certificate-authority": join(this.folder, "edge.pem") };
    const config = {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "forge", cluster }],
      users: [{ name: "director", user: { token } }],
      contexts: [{ name: "forge", context: { cluster: "forge", user: "director", namespace: "default" } }],
      "current-context": "forge",
    };
    writeFileSync(file, JSON.stringify(config));
    return file;
  }

  async close(): Promise<void> {
    const closed = once(this.server.close(), "close");
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    rmSync(this.folder, { recursive: true });
  }

  #pass(socket: Socket, controller: string): void {
    const onward = connect(Number(new URL(controller).port), "127.0.0.1");
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      this.#sockets.add(one);
      one.on("error", () => other.destroy()).once("close", () => other.destroy());
      one.pipe(other);
    }
  }
}

skipUnless(
  "clients of the Kubernetes API",
  "kubectl or openssl is not installed",
  KUBECTL !== undefined && OPENSSL !== undefined,
)("directors that speak to Kubernetes", () => {
  let forge: ForgeRun;
  let edge: Edge;
  let kubeconfig: string;

  beforeAll(async () => {
    forge = await ForgeRun.start({ config: CONFIG, args: ["--no-demo"] });
    const { url, token } = forge.ready;
    edge = await Edge.before(url);
    kubeconfig = edge.kubeconfig(token);
    const ready = new Set<string>();
    while (ready.size < 3) {
      ready.add((await forge.next(({ type, serverId }) => type === "server.ready" && !ready.has(serverId))).serverId);
    }
  });
  afterAll(async () => {
    await edge.close();
    await forge.dispose();
  });

  async function kubectl(...args: readonly string[]): Promise<string> {
    const { stdout } = await run(KUBECTL ?? "", ["--kubeconfig", kubeconfig, ...args], {
      env: { PATH: process.env["PATH"] ?? "", HOME: edge.folder },
    });
    return stdout.trim();
  }

  it("kubectl reads fleets and game servers, by name, by label and of a namespace that is no region", async () => {
    expect(await kubectl("get", "fleet", "arena", "-o", "jsonpath={.status.readyReplicas}/{.spec.replicas}")).toBe(
      "3/3",
    );
    const names = await kubectl("get", "gameservers", "-l", "agones.dev/fleet=arena", "-o", "name");
    expect(names.split("\n")).toHaveLength(3);
    const [first = ""] = names.split("\n");
    expect(await kubectl("get", first, "-n", "east", "-o", "jsonpath={.status.state}")).toBe("Ready");
    expect(await kubectl("get", "gs", "-n", "elsewhere", "-o", "name")).toBe("");
    await expect(kubectl("get", "gs", "nobody")).rejects.toThrow(/gameservers.agones.dev "nobody" not found/);
    await expect(kubectl("delete", first)).rejects.toThrow(/MethodNotAllowed/);
  });

  it("kubectl creates a GameServerAllocation, and another of which there is none", async () => {
    const file = join(edge.folder, "allocation.json");
    const create = async (allocation: object): Promise<{ readonly status: Record<string, string> }> => {
      writeFileSync(file, JSON.stringify(allocation));
      return JSON.parse(await kubectl("create", "-f", file, "--validate=false", "-o", "json")) as never;
    };
    const { status } = await create(ALLOCATION);
    expect(status).toMatchObject({ state: "Allocated", source: "local", ports: [{ name: "game" }] });
    const server = await forge.ask<Server>("GET", `/v1/servers/${status["gameServerName"]}`);
    expect(server).toMatchObject({ state: "allocated", labels: { mode: "duel" } });
    const none = { ...ALLOCATION, spec: { selectors: [{ matchLabels: { "agones.dev/fleet": "none" } }] } };
    expect((await create(none)).status).toMatchObject({ state: "UnAllocated" });
    await expect(create({ ...ALLOCATION, spec: { scheduling: "Nowhere" } })).rejects.toThrow(/spec.scheduling/);
  });

  it("a watch is open before it has anything to tell", async () => {
    const path = "/apis/agones.dev/v1/namespaces/default/gameservers";
    const { metadata } = await forge.ask<{ readonly metadata: { readonly resourceVersion: string } }>("GET", path);
    const ending = new AbortController();
    const query = `?watch=true&resourceVersion=${metadata.resourceVersion}`;
    const headers = { authorization: `Bearer ${forge.token}` };
    // Resolves with the head of the answer.
    const { status } = await fetch(forge.url + path + query, { headers, signal: ending.signal });
    expect(status).toBe(200);
    ending.abort();
  });

  skipUnless(
    "Agones' clientset",
    "agones-clientset-client is neither on PATH nor in Forge's cache; docs/testing.md says how it is built",
    CLIENTSET !== undefined,
  )("Agones' own clientset", () => {
    it("allocates, and its informer sees what was allocated", async () => {
      const { stdout } = await run(CLIENTSET ?? "", [kubeconfig]);
      const said = JSON.parse(stdout) as Record<string, unknown>;
      expect(said).toMatchObject({ fleet: "arena", known: 3, state: "Allocated", none: "UnAllocated" });
      expect(said["seen"]).toBe(said["server"]);
    });
  });
});
