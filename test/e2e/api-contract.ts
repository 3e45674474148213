import Ajv2020, { type ValidateFunction } from "ajv/dist/2020";
import type { Answer, CallOptions, ForgeRun } from "./forge-run";
import type { Loose } from "./loose";

/** One call as the contract names it: `GET /v1/servers/:id`. */
export interface ContractCall extends CallOptions {
  /** Values of the path's parameters, by name. */
  readonly path?: Readonly<Record<string, string>>;
  /** With its `?`. */
  readonly query?: string;
  readonly body?: unknown;
  /** What the answer has to be; 200 where not given. */
  readonly status?: number;
}

/** Calls a real run by the names of its own contract, and holds every answer to the schema that the contract promises. */
export class ApiContract {
  /** What has been called with success. */
  readonly walked = new Set<string>();
  private readonly ajv = new Ajv2020({ strict: false, validateFormats: false });

  private constructor(
    private readonly run: ForgeRun,
    private readonly document: Loose,
  ) {
    this.ajv.addSchema({ $id: "contract", components: document.components });
  }

  static async of(run: ForgeRun): Promise<ApiContract> {
    return new ApiContract(run, await run.ask("GET", "/openapi.json", undefined, { token: null }));
  }

  /** Every call that the contract has. */
  get keys(): readonly string[] {
    return Object.entries<object>(this.document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`),
    );
  }

  /** @throws {Error} where status or body are not what was promised */
  async call<T = Loose>(key: string, options: ContractCall = {}): Promise<Answer<T>> {
    const { path = {}, query = "", body, status = 200 } = options;
    const [method = "", route = ""] = key.split(" ");
    const filled = route.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(path[name] ?? `no ${name}`));
    const answer = await this.run.call<T>(method, filled + query, body, options);
    if (answer.status !== status)
      throw new Error(`${key} answered ${answer.status}, not ${status}: ${JSON.stringify(answer.body)}`);
    this.check(method.toLowerCase(), route.replaceAll(/:(\w+)/g, "{$1}"), answer);
    if (status < 300) this.walked.add(key);
    return answer;
  }

  private check(method: string, path: string, { status, headers, body }: Answer<unknown>): void {
    const { responses } = this.document.paths[path][method];
    const type = headers.get("content-type")?.split(";")[0] ?? "";
    const content = (responses[status] ?? responses.default)?.content?.[type];
    if (content === undefined) throw new Error(`${method} ${path}: the contract has no ${type} for ${status}`);
    if (content.schema === undefined || !type.endsWith("json")) return;
    const validate = this.validator(content.schema);
    if (!validate(body)) throw new Error(`${method} ${path}: ${this.ajv.errorsText(validate.errors)}`);
  }

  private validator(schema: Loose): ValidateFunction {
    const text = JSON.stringify(schema).replaceAll('"#/components/', '"contract#/components/');
    return this.ajv.compile(JSON.parse(text) as object);
  }
}
