/** Values by name, and what there was no value for. */
export interface Interpolated {
  readonly text: string;
  /** `NOMAD_…` and `FORGE_…` names without a value; they stay in the text as they were. */
  readonly unknown: readonly string[];
}

const REFERENCE = /\$\{((?:NOMAD|FORGE)_[A-Za-z0-9_]+)\}/g;

/**
 * Replaces `${NOMAD_…}` and `${FORGE_…}` by their values, once: what a value itself holds is not looked at again.
 * Everything else, `${HOME}` or `$NOMAD_X` without brackets, is the program's own business and stays.
 */
export function interpolate(text: string, values: Readonly<Record<string, string>>): Interpolated {
  const unknown: string[] = [];
  const replaced = text.replaceAll(REFERENCE, (reference, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined) unknown.push(name);
    return value ?? reference;
  });
  return { text: replaced, unknown };
}
