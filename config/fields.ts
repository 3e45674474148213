import { z } from "zod";
import { COUNT_NAME, ENV_NAME, NAME, PORT_NAME } from "./names";

/**
 * What a value has to look like, used by every section. A message has two lines: what is wrong, and the fix;
 * `wording.ts` takes them apart. Messages of zod's own (types, ranges, choices) are worded there.
 */
export function message(problem: string, fix: string): string {
  return `${problem}\n${fix}`;
}

const NAME_FIX = "use lower-case letters, digits and hyphens, a letter first, at most 32: us-east, battle-royale";

export const nameSchema = z
  .string()
  .regex(NAME, message("is not a name that jobs, stacks and DNS can carry", NAME_FIX));

export const portNameSchema = z
  .string()
  .regex(
    PORT_NAME,
    message("is not a port name", "use lower-case letters, digits and _, a letter first: game, web_admin"),
  );

export const countNameSchema = z
  .string()
  .regex(
    COUNT_NAME,
    message("is not a name for a counter or list", "use letters, digits, - . and _, at most 63: rooms, players"),
  );

/** Seconds; fractions are allowed. */
export const secondsSchema = z.number().min(0).max(86_400);
export const positiveSecondsSchema = z.number().min(0.1).max(86_400);
/** 0 to 1. */
export const shareSchema = z.number().min(0).max(1);
export const serverCountSchema = z.int().min(0).max(100_000);
export const positiveCountSchema = z.int().min(1).max(100_000);
export const textSchema = z.string().min(1);

export const addressSchema = z.string().refine((text) => isUrl(text), {
  error: message("is not an http or https address", 'write scheme, host and port: "http://127.0.0.1:4646"'),
});

/** As a browser's `Origin` header has it. There is no "*": a page of any site would be let in that got hold of a token. */
export const originSchema = z.string().refine((text) => isUrl(text) && new URL(text).origin === text, {
  error: message(
    "is not the origin of web pages",
    'write it as browsers do, scheme, host and port where it has one, in lower case and without a path: "https://game.example"',
  ),
});

/** No secret is in the file itself. */
export const secretEnvSchema = z
  .string()
  .regex(
    /^[A-Za-z_][A-Za-z0-9_]*$/,
    message("is not the name of an environment variable", "name the variable that holds the signing secret"),
  )
  .optional()
  .describe("Name of the environment variable that holds the signing secret");

/** Nomad's own rule for namespaces. */
export const namespaceSchema = z
  .string()
  .regex(/^[a-zA-Z0-9-]{1,128}$/, message("is not a Nomad namespace", "use letters, digits and hyphens, at most 128"));

/** Nomad's own rule for node pools; `all` is no pool that a job may be the only one of. */
export const nodePoolSchema = z
  .string()
  .regex(
    /^(?!all$)[a-zA-Z0-9-_]{1,128}$/,
    message("is not a node pool", "use letters, digits, hyphens and _, at most 128; all is taken"),
  );

/** A property of a node, as `nomad node status -verbose` names it, without `${…}`. */
export const nodePropertySchema = z
  .string()
  .regex(
    /^(?:node\.(?:class|datacenter|pool|unique\.name|unique\.id)|(?:attr|meta)\.[A-Za-z0-9_.-]+)$/,
    message("is not a property of a node", 'write "node.class", "attr.cpu.arch", "meta.KEY": without ${…}'),
  );

/** Of Consul's auth methods and Vault's mounts. */
export const mountSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9_-]+(?:\/[A-Za-z0-9_-]+)*$/,
    message("is not a name of a mount or method", "use letters, digits, hyphens and _: nomad-workloads"),
  );

export const datacenterSchema = z
  .string()
  .regex(
    /^[a-zA-Z0-9_.-]{1,128}$/,
    message("is not a datacenter name", "use letters, digits, _, . and hyphens: us-east-1"),
  );

export const publicAddressSchema = z
  .string()
  .regex(
    /^(?:auto|meta\.[A-Za-z0-9_.-]+|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]+)$/,
    message(
      "is not an address for players",
      'write "auto", "meta.KEY" of the node, or a host name or IP without scheme and port',
    ),
  );

/** A host name or IP, without scheme and port. */
export const hostSchema = z
  .string()
  .regex(
    /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]+)$/,
    message("is not a host", 'write a host name or IP without scheme and port: "127.0.0.1"'),
  );

export const portNumberSchema = z.int().min(1).max(65_535);

export const envSchema = z.record(
  z
    .string()
    .regex(ENV_NAME, message("is not a name for an environment variable", "use letters, digits and _: MAP_NAME")),
  z.string(),
);

export const absolutePathSchema = z
  .string()
  .regex(
    /^\/(?!.*(?:^|\/)\.\.(?:\/|$)).*$/,
    message("is not an absolute path", 'write where the server sees it: "/data"'),
  );

export const patternSchema = z
  .string()
  .min(1)
  .refine(isPattern, {
    error: message(
      "is not a regular expression",
      "write a JavaScript regular expression without slashes; in TOML put it between single quotes",
    ),
  });

/** A pattern that finds a player's name. */
export const playerPatternSchema = patternSchema.refine((text) => !isPattern(text) || groupsOf(text) > 0, {
  error: message(
    "has no group that holds the player's name",
    "put the name in parentheses: '(?<player>\\S+) joins game'",
  ),
});

function isPattern(text: string): boolean {
  try {
    new RegExp(text, "u");
    return true;
  } catch {
    return false;
  }
}

/** Capturing groups of a pattern that compiles. */
function groupsOf(text: string): number {
  return (new RegExp(`${text}|`, "u").exec("")?.length ?? 1) - 1;
}

/** An http or https URL with a host. */
export function isUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return (url.protocol === "http:" || url.protocol === "https:") && url.hostname !== "";
}
