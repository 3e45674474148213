import * as z from "zod";
import { caField } from "./consul-access";

/**
 * A run's secrets: `shared` proves its programs to each other, `ticket` seals players' tickets, `token` signs API tokens.
 * While they are being changed, the one before is still taken.
 */
export type SecretName = "shared" | "ticket" | "token";

/** HS256 is no stronger than its key. */
const LEAST_CHARACTERS: Readonly<Record<SecretName, number>> = { shared: 16, ticket: 16, token: 32 };

/** What the secret before is called, wherever secrets are kept. */
export function previousName(name: SecretName): `previous${Capitalize<SecretName>}` {
  return `previous${name[0]?.toUpperCase() ?? ""}${name.slice(1)}` as `previous${Capitalize<SecretName>}`;
}

/** Of one secret, wherever it comes from. */
export function secretField(name: SecretName): z.ZodString {
  const least = LEAST_CHARACTERS[name];
  return z.string().min(least, `must have at least ${String(least)} characters`);
}

const absolutePath = z.string().startsWith("/", "must be an absolute path");

/** A 0600 file that a start without Vault or Nomad's API reads instead. */
const copy = absolutePath.optional();

const vault = z.strictObject({
  kind: z.literal("vault"),
  address: z.string().min(1),
  ca: caField,
  /** The auth mount, below `auth/`, where Nomad's workloads log in, and this program's role there. */
  authMount: z.string().min(1),
  role: z.string().min(1),
  /** KV v2 mount and item. */
  kvMount: z.string().min(1),
  kvPath: z.string().min(1),
  copy,
  /** Nomad's signed identity for Vault; where not given, the one that the job's `vault` identity block writes. */
  identityFile: absolutePath.optional(),
});

const nomadVariables = z.strictObject({
  kind: z.literal("nomadVariables"),
  /** Of the program's job. */
  namespace: z.string().min(1),
  job: z.string().min(1),
  /** Of Nomad's API; where not given, the task's own socket. */
  address: z.string().min(1).optional(),
  ca: caField,
  copy,
  identityFile: absolutePath.optional(),
});

export type VaultSecretsSource = z.output<typeof vault>;
export type NomadSecretsSource = z.output<typeof nomadVariables>;
export type InlineSecrets<N extends SecretName> = { readonly kind: "inline" } & Readonly<Record<N, string>> &
  Readonly<Partial<Record<`previous${Capitalize<N>}`, string | undefined>>>;
export type SecretsSource<N extends SecretName = SecretName> =
  InlineSecrets<N> | VaultSecretsSource | NomadSecretsSource;

/** Where a program finds those secrets of the run that it needs. */
export function secretsSourceSchema<N extends SecretName>(names: readonly N[]): z.ZodType<SecretsSource<N>> {
  const fields = names.flatMap((name) => [
    [name, secretField(name)] as const,
    [previousName(name), secretField(name).optional()] as const,
  ]);
  const inline = z.strictObject({ kind: z.literal("inline"), ...Object.fromEntries(fields) });
  return z.discriminatedUnion("kind", [inline, vault, nomadVariables]) as unknown as z.ZodType<SecretsSource<N>>;
}
