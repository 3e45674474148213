import { spawn, spawnSync } from "node:child_process";

/** Set in the process that is inside. */
const INSIDE = "FORGE_CHAOS_INSIDE";
/** Networks, mounts and processes of its own: all of them go with its last process, and nothing outside is changed. */
const SPACES = ["--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child=SIGKILL"];
/** Where a user may, without being root. */
const AS_ROOT = ["--user", "--map-root-user"];
const SET_UP = "mount -t tmpfs tmpfs /run && mkdir /run/netns && ip link set lo up";

export function isInside(): boolean {
  return process.env[INSIDE] === "1";
}

/** How to get inside here; or, as text, why there is no way. */
export function wayInside(): readonly string[] | string {
  const problems: string[] = [];
  for (const user of [[], AS_ROOT]) {
    const options = [...user, ...SPACES];
    const { status, stderr, error } = spawnSync("unshare", [...options, "sh", "-c", SET_UP], { encoding: "utf8" });
    if (status === 0) return options;
    problems.push(error?.message ?? (stderr.trim().split("\n")[0] || `code ${String(status)}`));
  }
  return [...new Set(problems)].join("; ");
}

/**
 * Runs this program once more with the same arguments, inside.
 * @returns its exit code. A signal from a terminal reaches it by itself; one to this process alone is handed on
 */
export function runInside(options: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  const { execPath, execArgv, argv } = process;
  const child = spawn(
    "unshare",
    // The shell stays: as the first process of its space it takes the ends of orphans, which Node would not.
    [...options, "sh", "-c", `${SET_UP} && "$@"; exit $?`, "sh", execPath, ...execArgv, ...argv.slice(1)],
    { stdio: ["ignore", "inherit", "inherit", "ipc"], env: { ...process.env, ...env, [INSIDE]: "1" } },
  );
  // Once is enough: whoever is inside needs its time to end in order.
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () => {
      if (child.connected) child.send({ stop: signal });
    });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}
