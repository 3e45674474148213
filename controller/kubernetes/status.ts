/** A failure as Kubernetes' clients read one. */
export function statusObject(code: number, reason: string, message: string): object {
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, code };
}
