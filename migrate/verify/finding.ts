/** Something that verification has against what was written. */
export interface Finding {
  /** Below the folder that `forge migrate` wrote. */
  readonly file: string;
  readonly problem: string;
}

/** What verification needs of the written folder: every job's two files. */
export interface WrittenJob {
  /** Without what follows the dot. */
  readonly file: string;
  readonly hcl: string;
  readonly json: string;
}

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
