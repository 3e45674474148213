/** What was found of one thing. */
export interface Check {
  readonly name: string;
  /**
   * `ok`; `absent`: not here, and nothing that forge.toml asks for needs it; `limited`: works, with less;
   * `problem`: forge.toml needs it and it is not there.
   */
  readonly status: "ok" | "absent" | "limited" | "problem";
  readonly detail: string;
  /** What to do, of a problem or a limit. */
  readonly fix?: string;
}

/** What the checks look at; `this-machine.ts` is the real one. */
export interface Machine {
  /** `20.18.1` */
  readonly nodeVersion: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** Whether servers can be held to their CPU and memory, and how, in words. */
  limits(): { readonly cpu: boolean; readonly memory: boolean; readonly detail: string };
  /** The file of a program; undefined where there is none on PATH nor where game servers are kept. */
  find(program: string): string | undefined;
  exists(path: string): boolean;
  isPortFree(port: number): Promise<boolean>;
  /** Whether anything answers HTTP there. */
  answers(url: string): Promise<boolean>;
}
