import type { ConvertedJob } from "../convert/convert";

/** A file that a job's template has to come to, byte for byte; none that holds a secret. */
export interface RenderedFile {
  /** `jobs/NAME`. */
  readonly job: string;
  readonly task: string;
  /** As the template names it, below the task's folder. */
  readonly path: string;
  /** Of its bytes, in hex. */
  readonly sha256: string;
}

/** What `forge migrate verify` compares with: digests of what the ConfigMaps say, taken before there were templates. */
export function renderedFiles(jobs: readonly ConvertedJob[]): readonly RenderedFile[] {
  return jobs.flatMap(({ job, file }) =>
    job.group.tasks.flatMap(({ name: task, templates }) =>
      templates.flatMap(({ destination: path, sha256 }) =>
        sha256 === undefined ? [] : [{ job: file, task, path, sha256 }],
      ),
    ),
  );
}
