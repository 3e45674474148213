/**
 * How each key of the model is written: its name in HCL, its name in Nomad's JSON, and as what. Both emitters read these
 * tables, so HCL and JSON cannot come to say different things.
 */
export interface Field {
  readonly hcl: string;
  readonly json: string;
  /**
   * `duration`: seconds here, `"30s"` in HCL, nanoseconds in JSON. `block`: another shape. `blocks`: a list of one. `map`: of
   * texts. `headers`: of lists of texts. Others are written as they are.
   */
  readonly as: "value" | "duration" | "block" | "blocks" | "map" | "headers" | "config" | "ports" | "scaling";
  readonly shape?: Shape;
}

export interface Shape {
  /** The key whose value stands behind the block's name; in JSON it is a key like others. */
  readonly label?: { readonly key: string; readonly json: string };
  /** In JSON the blocks are a map by their label rather than a list. */
  readonly isMap?: boolean;
  readonly fields: Readonly<Record<string, Field>>;
}

const value = (hcl: string, json: string): Field => ({ hcl, json, as: "value" });
const duration = (hcl: string, json: string): Field => ({ hcl, json, as: "duration" });
const block = (hcl: string, json: string, shape: Shape): Field => ({ hcl, json, as: "block", shape });
const blocks = (hcl: string, json: string, shape: Shape): Field => ({ hcl, json, as: "blocks", shape });

const CONSTRAINT: Shape = {
  fields: {
    attribute: value("attribute", "LTarget"),
    operator: value("operator", "Operand"),
    value: value("value", "RTarget"),
    weight: value("weight", "Weight"),
  },
};

const CHECK: Shape = {
  fields: {
    name: value("name", "Name"),
    type: value("type", "Type"),
    port: value("port", "PortLabel"),
    path: value("path", "Path"),
    method: value("method", "Method"),
    protocol: value("protocol", "Protocol"),
    tlsSkipVerify: value("tls_skip_verify", "TLSSkipVerify"),
    grpcService: value("grpc_service", "GRPCService"),
    task: value("task", "TaskName"),
    command: value("command", "Command"),
    args: value("args", "Args"),
    header: { hcl: "header", json: "Header", as: "headers" },
    interval: duration("interval", "Interval"),
    timeout: duration("timeout", "Timeout"),
    successBeforePassing: value("success_before_passing", "SuccessBeforePassing"),
    failuresBeforeCritical: value("failures_before_critical", "FailuresBeforeCritical"),
    checkRestart: block("check_restart", "CheckRestart", {
      fields: { limit: value("limit", "Limit"), grace: duration("grace", "Grace") },
    }),
  },
};

const TASK: Shape = {
  label: { key: "name", json: "Name" },
  fields: {
    driver: value("driver", "Driver"),
    lifecycle: block("lifecycle", "Lifecycle", {
      fields: { hook: value("hook", "Hook"), sidecar: value("sidecar", "Sidecar") },
    }),
    leader: value("leader", "Leader"),
    user: value("user", "User"),
    killTimeout: duration("kill_timeout", "KillTimeout"),
    killSignal: value("kill_signal", "KillSignal"),
    config: { hcl: "config", json: "Config", as: "config" },
    env: { hcl: "env", json: "Env", as: "map" },
    templates: blocks("template", "Templates", {
      fields: {
        data: value("data", "EmbeddedTmpl"),
        destination: value("destination", "DestPath"),
        env: value("env", "Envvars"),
        changeMode: value("change_mode", "ChangeMode"),
        perms: value("perms", "Perms"),
        leftDelimiter: value("left_delimiter", "LeftDelim"),
        rightDelimiter: value("right_delimiter", "RightDelim"),
        errorOnMissingKey: value("error_on_missing_key", "ErrMissingKey"),
      },
    }),
    volumeMounts: blocks("volume_mount", "VolumeMounts", {
      fields: {
        volume: value("volume", "Volume"),
        destination: value("destination", "Destination"),
        readOnly: value("read_only", "ReadOnly"),
      },
    }),
    vault: block("vault", "Vault", {
      fields: { role: value("role", "Role"), env: value("env", "Env"), changeMode: value("change_mode", "ChangeMode") },
    }),
    resources: block("resources", "Resources", {
      fields: {
        cpu: value("cpu", "CPU"),
        cores: value("cores", "Cores"),
        memory: value("memory", "MemoryMB"),
        memoryMax: value("memory_max", "MemoryMaxMB"),
        devices: blocks("device", "Devices", {
          label: { key: "name", json: "Name" },
          fields: { count: value("count", "Count") },
        }),
      },
    }),
  },
};

const GROUP: Shape = {
  label: { key: "name", json: "Name" },
  fields: {
    count: value("count", "Count"),
    shutdownDelay: duration("shutdown_delay", "ShutdownDelay"),
    constraints: blocks("constraint", "Constraints", CONSTRAINT),
    affinities: blocks("affinity", "Affinities", CONSTRAINT),
    spreads: blocks("spread", "Spreads", {
      fields: { attribute: value("attribute", "Attribute"), weight: value("weight", "Weight") },
    }),
    network: { hcl: "network", json: "Networks", as: "ports" },
    update: block("update", "Update", {
      fields: {
        maxParallel: value("max_parallel", "MaxParallel"),
        canary: value("canary", "Canary"),
        minHealthyTime: duration("min_healthy_time", "MinHealthyTime"),
        healthyDeadline: duration("healthy_deadline", "HealthyDeadline"),
        progressDeadline: duration("progress_deadline", "ProgressDeadline"),
        autoPromote: value("auto_promote", "AutoPromote"),
        autoRevert: value("auto_revert", "AutoRevert"),
      },
    }),
    migrate: block("migrate", "Migrate", { fields: { maxParallel: value("max_parallel", "MaxParallel") } }),
    restart: block("restart", "RestartPolicy", {
      fields: {
        attempts: value("attempts", "Attempts"),
        interval: duration("interval", "Interval"),
        delay: duration("delay", "Delay"),
        mode: value("mode", "Mode"),
      },
    }),
    reschedule: block("reschedule", "ReschedulePolicy", {
      fields: {
        attempts: value("attempts", "Attempts"),
        interval: duration("interval", "Interval"),
        unlimited: value("unlimited", "Unlimited"),
      },
    }),
    scaling: { hcl: "scaling", json: "Scaling", as: "scaling" },
    ephemeralDisk: block("ephemeral_disk", "EphemeralDisk", { fields: { size: value("size", "SizeMB") } }),
    volumes: blocks("volume", "Volumes", {
      label: { key: "name", json: "Name" },
      isMap: true,
      fields: {
        type: value("type", "Type"),
        source: value("source", "Source"),
        readOnly: value("read_only", "ReadOnly"),
        sticky: value("sticky", "Sticky"),
        accessMode: value("access_mode", "AccessMode"),
        attachmentMode: value("attachment_mode", "AttachmentMode"),
      },
    }),
    services: blocks("service", "Services", {
      fields: {
        name: value("name", "Name"),
        port: value("port", "PortLabel"),
        provider: value("provider", "Provider"),
        tags: value("tags", "Tags"),
        checks: blocks("check", "Checks", CHECK),
      },
    }),
    tasks: blocks("task", "Tasks", TASK),
  },
};

export const JOB: Shape = {
  label: { key: "id", json: "ID" },
  fields: {
    namespace: value("namespace", "Namespace"),
    type: value("type", "Type"),
    datacenters: value("datacenters", "Datacenters"),
    priority: value("priority", "Priority"),
    periodic: block("periodic", "Periodic", {
      fields: {
        crons: value("crons", "Specs"),
        timeZone: value("time_zone", "TimeZone"),
        prohibitOverlap: value("prohibit_overlap", "ProhibitOverlap"),
        enabled: value("enabled", "Enabled"),
      },
    }),
    group: block("group", "TaskGroups", GROUP),
  },
};
