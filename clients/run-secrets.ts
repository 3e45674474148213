import { previousName, type InlineSecrets, type SecretName, type SecretsSource } from "./secrets-source";

/** Of each secret the one in use first, then those that are still taken. */
export type RunSecrets<N extends SecretName = SecretName> = Readonly<Record<N, readonly [string, ...string[]]>>;

/** The run's secrets as they are now: they may be changed while programs run. */
export interface LiveSecrets<N extends SecretName = SecretName> {
  readonly now: RunSecrets<N>;
  /** Calls back after each change; the result ends that. */
  subscribe(listener: (secrets: RunSecrets<N>) => void): () => void;
  close(): Promise<void>;
}

/** Opens what a program's configuration names as the place of its secrets. */
export function openSecrets<N extends SecretName>(source: SecretsSource<N>, names: readonly N[]): LiveSecrets<N> {
  if (source.kind !== "inline") throw new Error(`secrets from ${source.kind} cannot be read yet`);
  return {
    now: secretsOf(source, names),
    subscribe: () => () => undefined,
    close: () => Promise.resolve(),
  };
}

function secretsOf<N extends SecretName>(from: InlineSecrets<N>, names: readonly N[]): RunSecrets<N> {
  const kept: Readonly<Record<string, string | undefined>> = from;
  const generations = names.map((name) => {
    const previous = kept[previousName(name)];
    return [name, [from[name], ...(previous === undefined ? [] : [previous])]] as const;
  });
  return Object.fromEntries(generations) as unknown as RunSecrets<N>;
}
