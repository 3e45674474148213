/** What a command has of the world; `main.ts` makes the real one, tests their own. */
export interface CliIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The folder that Forge is installed in: dist/ is in it. */
  readonly home: string;
  /** Of results: what a program may read. */
  out(text: string): void;
  /** Of everything that is said about the work: progress, errors. */
  err(text: string): void;
  /** Whether results, or what is said, goes to a person's terminal. */
  readonly outIsTerminal: boolean;
  readonly errIsTerminal: boolean;
  readonly outColor: boolean;
  readonly errColor: boolean;
  /** Milliseconds since 1970. */
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Lines of standard input, until the result is called; its end is no line. */
  onLine?(listener: (line: string) => void): () => void;
  /** The terminal that `out` goes to, for views that take all of it; undefined where there is none. */
  readonly terminal: CliTerminal | undefined;
}

export interface CliTerminal {
  /** False where only the output is a terminal's: `forge deploy REGION </dev/null`. */
  readonly takesKeys: boolean;
  size(): { readonly width: number; readonly height: number };
  onResize(listener: () => void): () => void;
  /** Keys one by one, as the terminal sends them, until the result is called; only where it takes any. */
  onKey(listener: (key: string) => void): () => void;
}
