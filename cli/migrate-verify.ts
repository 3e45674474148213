import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { HttpJson } from "../clients/http-json";
import type { RenderedFile } from "../migrate/emit/rendered-files";
import type { Cluster } from "../migrate/verify/cluster";
import { answersOf, filesOf, type SourceQuestion } from "../migrate/verify/compared";
import type { Finding } from "../migrate/verify/finding";
import { judgedByNomad } from "../migrate/verify/judged";
import { obstacles, runnable, startJob, stopJob } from "../migrate/verify/started";
import { lookedAt, type WrittenFolder } from "../migrate/verify/written";
import type { CliContext } from "./context";
import { EXIT } from "./exit-code";
import { CliError } from "./failure";

export interface VerifyOptions {
  readonly nomad?: string;
  readonly run?: true;
  readonly keep?: true;
  readonly within?: string;
  readonly source?: readonly string[];
  readonly path?: readonly string[];
}

const FILE_MS = 30_000;

/** `forge migrate verify DIR`: what was written by itself, before Nomad's eyes, and running on it. */
export async function verify(paths: readonly string[], options: VerifyOptions, context: CliContext): Promise<void> {
  const { cwd, env } = context.io;
  const [out] = paths;
  if (out === undefined || paths.length > 1)
    throw new CliError("usage", EXIT.badInput, "verify looks at one folder", "forge migrate verify DIR");
  const address = options.nomad ?? env["NOMAD_ADDR"];
  const runs = options.run === true;
  const questions = questionsOf(options);
  if (!runs && (questions.length > 0 || options.keep === true))
    throw new CliError("usage", EXIT.badInput, "--source and --keep are about jobs that run", "add --run");
  if (runs && address === undefined)
    throw new CliError("usage", EXIT.badInput, "on which Nomad shall the jobs run?", "--nomad URL, or NOMAD_ADDR");
  const folder = writtenFolder(resolve(cwd, out), out);

  const findings = [...lookedAt(folder)];
  let cluster: NomadCluster | undefined;
  try {
    if (address !== undefined) {
      cluster = new NomadCluster(address, env["NOMAD_TOKEN"]);
      findings.push(...(await judgedByNomad(folder.jobs, cluster)));
    }
    // What is not even valid is not started.
    if (cluster !== undefined && runs && findings.length === 0)
      findings.push(...(await running(folder, questions, cluster, options, context)));
  } finally {
    await cluster?.close();
  }
  const unique = distinct(findings);
  if (unique.length > 0) context.exitCode = EXIT.failed;
  const jobs = folder.jobs.length;
  const before = address === undefined ? "without a Nomad" : `before ${address}`;
  const summary = { jobs, files: folder.rendered.length, nomad: address, ran: runs, findings: unique };
  context.print(summary, () => [
    ...unique.map(({ file, problem }) => `${file}: ${problem}`),
    `${jobs} jobs ${before}${runs ? ", started" : ""}, ${unique.length} findings`,
  ]);
}

async function running(
  { jobs, rendered }: WrittenFolder,
  questions: readonly SourceQuestion[],
  cluster: Cluster,
  options: VerifyOptions,
  context: CliContext,
): Promise<readonly Finding[]> {
  const wanted = runnable(jobs);
  const inTheWay = await obstacles(wanted, cluster);
  if (inTheWay.length > 0) return inTheWay;
  const withinSecs = secondsOf(options.within);
  const findings: Finding[] = [];
  context.note(`starting ${wanted.length} jobs, within ${withinSecs} s each`);
  try {
    const clock = { withinSecs, now: () => Date.now(), pause: (ms: number) => pause(ms) };
    // Together: they may need each other.
    findings.push(...(await Promise.all(wanted.map((job) => startJob(job, cluster, clock)))).flat());
    for (const job of wanted) findings.push(...(await filesOf(job, rendered, cluster)));
    for (const question of questions) findings.push(...(await answersOf(question, wanted, cluster)));
  } finally {
    if (options.keep !== true) for (const job of wanted) await stopJob(job, cluster).catch(() => undefined);
  }
  return findings;
}

function secondsOf(text = "120"): number {
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds > 0) return seconds;
  throw new CliError("usage", EXIT.badInput, `--within takes seconds, not "${text}"`);
}

/** `SERVICE=URL` of each, asked for every path. */
function questionsOf({ source = [], path = ["/"] }: VerifyOptions): readonly SourceQuestion[] {
  return source.map((text) => {
    const [, service, url] = /^([^=]+)=(https?:\/\/.+)$/.exec(text) ?? [];
    if (service === undefined || url === undefined || !URL.canParse(url))
      throw new CliError("usage", EXIT.badInput, `--source takes SERVICE=URL, not "${text}"`);
    return { service, url, paths: path };
  });
}

function writtenFolder(folder: string, out: string): WrittenFolder {
  if (!existsSync(join(folder, "ledger.json")))
    throw new CliError("notFound", EXIT.badInput, `${out} was not written by forge migrate`, "run forge migrate first");
  const text = (file: string): string => readFileSync(join(folder, file), "utf8");
  const names = existsSync(join(folder, "jobs")) ? readdirSync(join(folder, "jobs")) : [];
  const jobs = names
    .filter((name) => name.endsWith(".json"))
    .sort()
    .map((name) => {
      const file = `jobs/${name.slice(0, -".json".length)}`;
      return { file, hcl: text(`${file}.nomad.hcl`), json: text(`${file}.json`) };
    });
  return {
    jobs,
    rendered: existsSync(join(folder, "rendered.json")) ? (JSON.parse(text("rendered.json")) as RenderedFile[]) : [],
    games: existsSync(join(folder, "forge.toml")) ? text("forge.toml") : undefined,
  };
}

function distinct(findings: readonly Finding[]): readonly Finding[] {
  return [...new Map(findings.map((each) => [JSON.stringify(each), each])).values()];
}

/** A Nomad over its API. */
class NomadCluster implements Cluster {
  private readonly http: HttpJson;

  constructor(address: string, token: string | undefined) {
    this.http = new HttpJson({
      address,
      name: "Nomad",
      ...(token && { headers: () => ({ "x-nomad-token": token }) }),
    });
  }

  call<T>(method: "GET" | "PUT" | "DELETE", path: string, body?: unknown): Promise<T> {
    return this.http.json(method, path, body === undefined ? {} : { body });
  }

  async file(allocation: string, path: string, namespace: string): Promise<Uint8Array> {
    const call = { query: { path, namespace }, signal: AbortSignal.timeout(FILE_MS) };
    const chunks: Uint8Array[] = [];
    for await (const chunk of await this.http.stream("GET", `/v1/client/fs/cat/${allocation}`, call))
      chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  async validate(body: unknown): Promise<string> {
    return (await this.call<{ readonly Error?: string }>("PUT", "/v1/validate/job", body)).Error ?? "";
  }

  parse<T>(hcl: string): Promise<T> {
    return this.call("PUT", "/v1/jobs/parse", { JobHCL: hcl, Canonicalize: false });
  }

  close(): Promise<void> {
    return this.http.close();
  }
}
