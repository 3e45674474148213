import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { previousName, secretField, type SecretName, type SecretsSource } from "./secrets-source";
import { nomadSecrets, vaultSecrets, type SecretsStore, type SecretsWorld } from "./stored-secrets";

/** Of each secret the one in use first, then those that are still taken. */
export type RunSecrets<N extends SecretName = SecretName> = Readonly<Record<N, readonly [string, ...string[]]>>;

/** The run's secrets as they are now: they may be changed while programs run. */
export interface LiveSecrets<N extends SecretName = SecretName> {
  readonly now: RunSecrets<N>;
  /** Calls back after each change; the result ends that. */
  subscribe(listener: (secrets: RunSecrets<N>) => void): () => void;
  close(): Promise<void>;
}

export interface OpenSecretsDeps extends SecretsWorld {
  readonly log: { warn(fields: object, message: string): void; info(fields: object, message: string): void };
}

/** Every so often they are looked at again. */
const LOOK_MS = 30_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5000;

/**
 * Opens what a program's configuration names as the place of its secrets, and waits for them: from there, else from the
 * copy on this node, else for as long as it takes.
 */
export async function openSecrets<N extends SecretName>(
  source: SecretsSource<N>,
  names: readonly N[],
  deps: OpenSecretsDeps,
): Promise<LiveSecrets<N>> {
  if (source.kind === "inline") {
    const { kind: _, ...given } = source;
    const now = secretsOf(given, names, "the configuration");
    return { now, subscribe: () => () => undefined, close: () => Promise.resolve() };
  }
  const store = source.kind === "vault" ? vaultSecrets(source, deps) : nomadSecrets(source, deps);
  const live = new StoredSecrets(
    store,
    source.kind === "vault" ? "Vault" : "Nomad's variables",
    names,
    source.copy,
    deps,
  );
  await live.open();
  return live;
}

class StoredSecrets<N extends SecretName> implements LiveSecrets<N> {
  private held: RunSecrets<N> | undefined;
  private readonly listeners = new Set<(secrets: RunSecrets<N>) => void>();
  private cancelLook: () => void = () => undefined;
  private answering = true;
  /** The copy has what is held here, or what another version of the program has read since. */
  private copied = false;
  private closed = false;

  constructor(
    private readonly store: SecretsStore,
    private readonly where: string,
    private readonly names: readonly N[],
    private readonly copy: string | undefined,
    private readonly deps: OpenSecretsDeps,
  ) {}

  get now(): RunSecrets<N> {
    if (!this.held) throw new Error("secrets are read before anybody has them");
    return this.held;
  }

  async open(): Promise<void> {
    for (let failures = 0; !(await this.look()); failures++) {
      this.held ??= this.fromCopy();
      if (this.held) {
        this.copied = true;
        this.deps.log.info({ copy: this.copy }, "starting with the secrets of the copy on this node");
        break;
      }
      const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures, 10));
      // A program that has nothing but its timers would end.
      const stay = setInterval(() => undefined, 2 ** 30);
      await new Promise<void>((done) => this.deps.clock.after(longest * (0.5 + this.deps.random() / 2), done));
      clearInterval(stay);
    }
    this.lookAgain();
  }

  subscribe(listener: (secrets: RunSecrets<N>) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.closed = true;
    this.cancelLook();
    await this.store.close();
  }

  private lookAgain(): void {
    if (this.closed) return;
    this.cancelLook = this.deps.clock.after(LOOK_MS * (0.9 + this.deps.random() / 5), () => {
      void this.look().then(() => this.lookAgain());
    });
  }

  /** @returns whether there was a whole answer */
  private async look(): Promise<boolean> {
    const { store, names, where, deps } = this;
    try {
      const kept = await store.read();
      const read = secretsOf(kept, names, where);
      if (!this.answering) deps.log.info({ where }, "secrets can be read again");
      this.answering = true;
      this.take(read, kept);
      return true;
    } catch (error) {
      if (this.answering && !this.closed)
        deps.log.warn(
          { where, problem: (error as Error).message },
          "secrets cannot be read; going on with what there is",
        );
      this.answering = false;
      this.takeCopy();
      return false;
    }
  }

  /**
   * What another version of this program, which has the same copy, was told since: an old gate may stay for weeks, and
   * Nomad renews no identity of a task that it is ending (measured on 2.0.5).
   */
  private takeCopy(): void {
    const read = this.held && this.copied ? this.fromCopy() : undefined;
    if (!read || JSON.stringify(read) === JSON.stringify(this.held)) return;
    this.held = read;
    this.deps.log.info({ copy: this.copy }, "the run's secrets have changed, by the copy on this node");
    for (const listener of this.listeners) listener(read);
  }

  private take(read: RunSecrets<N>, kept: Readonly<Record<string, string>>): void {
    const before = this.held;
    if (before && JSON.stringify(before) === JSON.stringify(read)) return;
    this.held = read;
    this.writeCopy(kept);
    if (!before) return;
    this.deps.log.info({ where: this.where }, "the run's secrets have changed");
    for (const listener of this.listeners) listener(read);
  }

  private writeCopy(kept: Readonly<Record<string, string>>): void {
    const { copy, names } = this;
    if (copy === undefined) return;
    const mine = names.flatMap((name) => [name, previousName(name)]);
    const text = JSON.stringify(Object.fromEntries(Object.entries(kept).filter(([key]) => mine.includes(key as N))));
    try {
      mkdirSync(dirname(copy), { recursive: true, mode: 0o700 });
      writeFileSync(`${copy}.new`, text, { mode: 0o600 });
      renameSync(`${copy}.new`, copy);
      this.copied = true;
    } catch (error) {
      this.copied = false;
      this.deps.log.warn(
        { err: error, copy },
        "no copy of the secrets could be kept; a start without Vault will wait for it",
      );
    }
  }

  private fromCopy(): RunSecrets<N> | undefined {
    if (this.copy === undefined) return undefined;
    try {
      const kept = JSON.parse(readFileSync(this.copy, "utf8")) as Readonly<Record<string, string>>;
      return secretsOf(kept, this.names, this.copy);
    } catch {
      return undefined;
    }
  }
}

/** @throws {Error} naming what is missing or too short, never a value */
function secretsOf<N extends SecretName>(
  kept: Readonly<Record<string, unknown>>,
  names: readonly N[],
  where: string,
): RunSecrets<N> {
  const generations = names.map((name) => {
    const read = [name, previousName(name)].map((key) => [key, secretField(name).safeParse(kept[key])] as const);
    const [present, previous] = read.map(([, { data }]) => data);
    if (present === undefined)
      throw new Error(`the secret "${name}" in ${where} ${name in kept ? "is too short" : "is not there"}`);
    return [name, previous === undefined ? [present] : [present, previous]] as const;
  });
  return Object.fromEntries(generations) as unknown as RunSecrets<N>;
}
