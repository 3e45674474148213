import { mkdir, rm, symlink } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";

/** Folders of one start of a server, laid out as Nomad does it. */
export interface ServerFolders {
  readonly root: string;
  /** Shared by the server's tasks. */
  readonly allocDir: string;
  readonly logDir: string;
}

export interface TaskPlace {
  /** The task starts in here. */
  readonly cwd: string;
  readonly taskDir: string;
  /** 0700. */
  readonly secretsDir: string;
}

export function serverFolders(runDir: string, allocationId: string): ServerFolders {
  const root = join(runDir, "allocations", allocationId);
  return { root, allocDir: join(root, "alloc"), logDir: join(root, "alloc", "logs") };
}

export function taskPlace(folders: ServerFolders, task: string): TaskPlace {
  const cwd = join(folders.root, task);
  return { cwd, taskDir: join(cwd, "local"), secretsDir: join(cwd, "secrets") };
}

/** Where a volume is kept: one folder for each region, experience and name; nothing of ours ever deletes it. */
export function volumeFolder(dataDir: string, region: string, experienceId: string, volume: string): string {
  return join(dataDir, "volumes", region, experienceId, volume);
}

/**
 * Makes the folders. Each volume is also to be found in each task's folder, under the path the server expects it at:
 * `/data` is `data` there, since a process without a container sees the machine's own `/`.
 *
 * @param volumes path as the server names it, to the folder that holds it
 */
export async function makeServerFolders(
  folders: ServerFolders,
  tasks: readonly string[],
  volumes: readonly { readonly path: string; readonly folder: string }[],
): Promise<void> {
  await Promise.all([
    ...[folders.logDir, join(folders.allocDir, "data"), join(folders.allocDir, "tmp")].map(make),
    ...volumes.map(({ folder }) => make(folder)),
    ...tasks.map((task) => makeTaskFolders(taskPlace(folders, task), volumes)),
  ]);
}

async function makeTaskFolders(
  place: TaskPlace,
  volumes: readonly { readonly path: string; readonly folder: string }[],
): Promise<void> {
  await Promise.all([make(place.taskDir), mkdir(place.secretsDir, { recursive: true, mode: 0o700 })]);
  for (const { path, folder } of volumes) {
    const link = resolve(place.cwd, `./${path}`);
    const inside = relative(place.cwd, link);
    if (inside === "" || inside.startsWith("..")) continue;
    await mkdir(dirname(link), { recursive: true });
    await symlink(folder, link);
  }
}

async function make(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
}

/** Removes what a server's start left, its logs included; volumes are elsewhere. */
export async function removeServerFolders(folders: ServerFolders): Promise<void> {
  await rm(folders.root, { recursive: true, force: true });
}
