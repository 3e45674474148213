import { EXIT } from "./exit-code";
import { CliError } from "./failure";

/** `arena` or `arena@1.4.2`, as calls name an experience. @throws {CliError} where a side of the `@` is empty */
export function experienceAt(text: string): { readonly experienceId: string; readonly version?: string } {
  const at = text.indexOf("@");
  if (at < 0) return { experienceId: text };
  const [experienceId, version] = [text.slice(0, at), text.slice(at + 1)];
  if (experienceId !== "" && version !== "") return { experienceId, version };
  throw new CliError(
    "usage",
    EXIT.badInput,
    `${JSON.stringify(text)} names no experience`,
    "write NAME or NAME@VERSION",
  );
}
