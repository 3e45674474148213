import type { HttpJson } from "../../clients/http-json";
import type { LocalHost } from "../local/local-host";
import type { RegionFolder } from "../local/region-folder";

/**
 * What a step of the bootstrap works with. Each step looks at what is there before it does anything, so that a run that
 * was killed anywhere is finished by the next one, and a finished one is left as it is.
 */
export interface Bootstrap {
  readonly region: string;
  readonly folder: RegionFolder;
  /** Without a token of their own: each call says which it uses. */
  readonly nomad: HttpJson;
  readonly consul: HttpJson;
  readonly vault: HttpJson;
  readonly host: LocalHost;
  /** Vault with an empty store: stops it, takes its data away, starts it. */
  readonly remakeVault: () => Promise<void>;
  /**
   * Called after each call that changes something and after each file that is written, with a name of that moment. Tests
   * end the run there.
   */
  readonly reached: (moment: string) => void;
}

/** What a step did, for people: nothing where all was done before. */
export type StepReport = readonly string[];

/** The header that carries a token of each system. */
export const TOKEN_HEADER = { nomad: "X-Nomad-Token", consul: "X-Consul-Token", vault: "X-Vault-Token" } as const;
