/** What scripts can trust; docs/cli.md documents them. */
export const EXIT = {
  done: 0,
  failed: 1,
  /** The command line or forge.toml is wrong: the same again fails again. */
  badInput: 2,
  /** No controller answers. */
  unreachable: 3,
  /** Credentials are missing, wrong, expired or too weak. */
  refused: 4,
  notFound: 5,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
