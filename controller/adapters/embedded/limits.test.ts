import { describeLimits, planLimits, type LimitsMachine } from "./limits";

interface Sketch {
  readonly platform?: string;
  readonly wanted?: string;
  readonly mounts: string;
  readonly groups: string;
  readonly controllers?: string;
  readonly writable?: readonly string[];
}

function machine({
  platform = "linux",
  wanted,
  mounts,
  groups,
  controllers = "",
  writable = ["/"],
}: Sketch): LimitsMachine {
  const files: Record<string, string> = {
    "/proc/mounts": mounts,
    "/proc/self/cgroup": groups,
    "/sys/fs/cgroup/cgroup.controllers": controllers,
  };
  const isWritable = (folder: string) => writable.some((start) => folder.startsWith(start));
  return { platform, wanted, read: (file) => files[file], writable: isWritable };
}

const VERSION_1 = `proc /proc proc rw 0 0
cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,nosuid,cpu,cpuacct 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0`;
const VERSION_2 = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0";
const SCOPE = "0::/user.slice/user-1000.slice/session-2.scope";

describe("limits", () => {
  it("use version 1 groups at the root of their hierarchy", () => {
    const here = machine({ mounts: VERSION_1, groups: "4:memory:/\n1:cpu,cpuacct:/\n0::/" });
    expect(planLimits(here)).toEqual({
      cpu: { by: "group", version: 1, folder: "/sys/fs/cgroup/cpu,cpuacct" },
      memory: { by: "group", version: 1, folder: "/sys/fs/cgroup/memory" },
      vacate: false,
    });
  });

  it("leave alone a group that something else put Forge into, and look at memory instead", () => {
    const here = machine({ mounts: VERSION_1, groups: "4:memory:/ci/job-7\n1:cpu,cpuacct:/\n0::/" });
    expect(planLimits(here).memory.by).toBe("nothing");
    const { cpu, memory, detail } = describeLimits(here);
    expect({ cpu, memory }).toEqual({ cpu: true, memory: true });
    expect(detail).toContain("looked at each second");
    expect(detail).toContain("/ci/job-7");
    expect(detail).toContain("FORGE_CGROUP=self");
  });

  it("take a folder of each hierarchy where two are named", () => {
    const wanted = "/sys/fs/cgroup/memory/forge:/sys/fs/cgroup/cpu,cpuacct/forge";
    const here = machine({ mounts: VERSION_1, groups: "4:memory:/ci/job-7\n1:cpu,cpuacct:/\n0::/", wanted });
    expect(planLimits(here)).toMatchObject({
      cpu: { by: "group", folder: "/sys/fs/cgroup/cpu,cpuacct/forge" },
      memory: { by: "group", folder: "/sys/fs/cgroup/memory/forge" },
    });
  });

  it("divide that group when told that it was made for Forge", () => {
    const here = machine({ mounts: VERSION_1, groups: "4:memory:/ci/job-7\n1:cpu,cpuacct:/\n0::/", wanted: "self" });
    expect(planLimits(here).memory).toMatchObject({ by: "group", folder: "/sys/fs/cgroup/memory/ci/job-7" });
  });

  it("use version 2, and first empty the group when it is Forge's own", () => {
    const root = machine({ mounts: VERSION_2, groups: "0::/", controllers: "cpu io memory pids\n" });
    expect(planLimits(root)).toEqual({
      cpu: { by: "group", version: 2, folder: "/sys/fs/cgroup" },
      memory: { by: "group", version: 2, folder: "/sys/fs/cgroup" },
      vacate: false,
    });
    const scope = machine({ mounts: VERSION_2, groups: SCOPE, controllers: "cpu memory", wanted: "self" });
    expect(planLimits(scope)).toMatchObject({
      cpu: { by: "group", folder: "/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope" },
      vacate: true,
    });
  });

  it("leave a login's own scope alone", () => {
    const here = machine({ mounts: VERSION_2, groups: SCOPE, controllers: "cpu memory" });
    expect(planLimits(here)).toMatchObject({ cpu: { by: "nothing" }, memory: { by: "nothing" }, vacate: false });
    expect(describeLimits(here)).toMatchObject({ cpu: false, memory: true });
  });

  it("take a folder that is named, in the hierarchy where it is", () => {
    const wanted = "/sys/fs/cgroup/memory/games";
    const here = machine({ mounts: VERSION_1, groups: "4:memory:/\n1:cpu,cpuacct:/", wanted });
    expect(planLimits(here).memory).toMatchObject({ by: "group", folder: wanted });
    expect(planLimits(here).cpu).toMatchObject({ by: "nothing", why: expect.stringContaining(wanted) });
  });

  it("say so where a group cannot be written", () => {
    const here = machine({
      mounts: VERSION_1,
      groups: "4:memory:/\n1:cpu,cpuacct:/",
      writable: ["/sys/fs/cgroup/memory"],
    });
    expect(planLimits(here).memory.by).toBe("group");
    expect(describeLimits(here).detail).toContain("/sys/fs/cgroup/cpu,cpuacct is not writable for this user");
  });

  it("are none where there are no control groups, or no Linux", () => {
    const container = machine({ mounts: "proc /proc proc rw 0 0", groups: "" });
    expect(describeLimits(container)).toMatchObject({ cpu: false, memory: true });
    const mac = machine({ platform: "darwin", mounts: "", groups: "" });
    expect(describeLimits(mac)).toMatchObject({ cpu: false, memory: false });
    expect(describeLimits(mac).detail).toContain("darwin");
  });
});
