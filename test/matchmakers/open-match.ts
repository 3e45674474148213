import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../../protocol/free-ports";
import { findPart } from "../cluster/real-parts";

const PARTS = ["open-match-minimatch", "open-match-evaluator", "redis-server"] as const;

/** Whether Open Match itself is here; docs/testing.md says how it is built. */
export const HAS_OPEN_MATCH = PARTS.every((part) => findPart(part) !== undefined);

/** Open Match as it is, without Kubernetes: all of its services in one process, its default evaluator, and Redis. */
export class OpenMatch {
  readonly #children: ChildProcess[] = [];

  private constructor(
    private readonly folder: string,
    /** Of frontend, backend and query service alike. */
    readonly url: string,
  ) {}

  static async start(): Promise<OpenMatch> {
    const [grpc = 0, http = 0, evaluatorGrpc = 0, evaluatorHttp = 0, redis = 0] = await freePorts(5);
    const folder = mkdtempSync(join(tmpdir(), "forge-open-match-"));
    const at = (grpcport: number, httpport: number) => ({ hostname: "127.0.0.1", grpcport, httpport });
    const minimatch = at(grpc, http);
    const config = {
      logging: { level: "warn", format: "text", rpc: false },
      api: {
        ...Object.fromEntries(
          ["minimatch", "backend", "frontend", "query", "synchronizer"].map((of) => [of, minimatch]),
        ),
        evaluator: at(evaluatorGrpc, evaluatorHttp),
      },
      redis: {
        hostname: "127.0.0.1",
        port: redis,
        usePassword: false,
        pool: { maxIdle: 10, maxActive: 50, idleTimeout: "10s", healthCheckTimeout: "300ms" },
      },
      backoff: {
        initialInterval: "100ms",
        maxInterval: "500ms",
        multiplier: 1.5,
        randFactor: 0.5,
        maxElapsedTime: "3s",
      },
      registrationInterval: "250ms",
      proposalCollectionInterval: "5s",
      pendingReleaseTimeout: "60s",
      assignedDeleteTimeout: "10m",
      queryPageSize: 1000,
      backfillLockTimeout: "1m",
      telemetry: { reportingPeriod: "1m", zpages: { enable: false }, prometheus: { enable: false } },
    };
    // Both names are read from the working folder; JSON is YAML.
    for (const name of ["default", "override"])
      writeFileSync(join(folder, `matchmaker_config_${name}.yaml`), JSON.stringify(config));
    const started = new OpenMatch(folder, `http://127.0.0.1:${http}`);
    started.#start("redis-server", ["--port", String(redis), "--bind", "127.0.0.1", "--save", ""]);
    started.#start("open-match-evaluator");
    started.#start("open-match-minimatch");
    await started.#untilReady();
    return started;
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill("SIGKILL");
        await once(child, "exit");
      }),
    );
    rmSync(this.folder, { recursive: true });
  }

  #start(part: (typeof PARTS)[number], args: readonly string[] = []): void {
    const child = spawn(findPart(part) ?? "", args, { cwd: this.folder, stdio: "ignore" });
    this.#children.push(child);
  }

  async #untilReady(): Promise<void> {
    for (let looks = 0; looks < 300; looks++) {
      const answer = await fetch(`${this.url}/healthz?readiness=true`).catch(() => undefined);
      if (answer?.ok === true) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await this.stop();
    throw new Error("Open Match was not ready within 30 s");
  }
}
