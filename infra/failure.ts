/** What scripts can trust; the same numbers as `forge` ends with (docs/cli.md). */
export const INFRA_EXIT = {
  done: 0,
  failed: 1,
  /** The command line or forge.toml is wrong: the same again fails again. */
  badInput: 2,
  /** A system does not answer, has no leader, or is sealed. */
  unreachable: 3,
  /** A token is missing, wrong or too weak. */
  refused: 4,
} as const;

export type InfraExit = (typeof INFRA_EXIT)[keyof typeof INFRA_EXIT];

export type InfraProblem =
  | "badInput"
  | "busy"
  | "programMissing"
  | "programTooOld"
  | "portTaken"
  | "diskFull"
  | "agentEnded"
  | "agentSilent"
  | "noLeader"
  | "sealed"
  | "wrongToken"
  | "lostSecret"
  | "leftovers"
  | "download"
  | "failed";

const EXIT_OF: Partial<Readonly<Record<InfraProblem, InfraExit>>> = {
  badInput: INFRA_EXIT.badInput,
  agentSilent: INFRA_EXIT.unreachable,
  noLeader: INFRA_EXIT.unreachable,
  sealed: INFRA_EXIT.unreachable,
  wrongToken: INFRA_EXIT.refused,
};

/** What cannot be done with a region's hosts: the cause with its place and value, and the next step. Never a secret. */
export class InfraError extends Error {
  constructor(
    readonly code: InfraProblem,
    message: string,
    /** What to do about it, as a sentence without its full stop. */
    readonly fix: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = "InfraError";
  }

  get exitCode(): InfraExit {
    return EXIT_OF[this.code] ?? INFRA_EXIT.failed;
  }
}

/** The `code` of Node's own errors (`ENOENT`, `ENOSPC`). */
export function systemCode(error: unknown): string | undefined {
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}

/** Any error as one that names cause and next step. */
export function asInfraError(error: unknown): InfraError {
  if (error instanceof InfraError) return error;
  const { message, path } = error as { readonly message?: string; readonly path?: string };
  const code = systemCode(error);
  const where = path === undefined ? "" : ` (${path})`;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new InfraError("diskFull", `the disk is full${where}`, "free some space and run the same again", {
      cause: error,
    });
  }
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    return new InfraError("failed", `not permitted: ${message ?? code}`, "check owner and rights of that path", {
      cause: error,
    });
  }
  return new InfraError(
    "failed",
    message ?? String(error),
    "run the same again; logs/ of the region's folder says more",
    {
      cause: error,
    },
  );
}
