import type { RegionProgram } from "./region-names";

/** How Node is started for one of Forge's own programs: wherever it runs, it takes no more memory than it has to. */
export interface ProgramStart {
  /** For Node itself, before the script. */
  readonly nodeOptions: readonly string[];
  /** Beside what the program is told. */
  readonly env: Readonly<Record<string, string>>;
}

/** Bytes. */
const LARGE = String(128 * 1024);

/**
 * glibc gives each of Node's ten threads an arena of its own, and keeps in each what was once freed. The controller has
 * two, because its collector's threads work hard; the others one. Large blocks come from the kernel and go back to it:
 * "large" stays glibc's 128 KiB, which unless told rises to the largest block ever freed, here the program's own text.
 */
function allocator(arenas: number): ProgramStart["env"] {
  return { MALLOC_ARENA_MAX: String(arenas), MALLOC_MMAP_THRESHOLD_: LARGE, MALLOC_TRIM_THRESHOLD_: LARGE };
}

/** Measured in docs/figures.md, "Memory". Sizes of V8's room for young objects are in MiB. */
export const PROGRAM_START: Readonly<Record<RegionProgram, ProgramStart>> = {
  controller: { nodeOptions: [], env: allocator(2) },
  agent: { nodeOptions: ["--max-semi-space-size=2"], env: allocator(1) },
  gate: { nodeOptions: ["--max-semi-space-size=1"], env: allocator(1) },
};
