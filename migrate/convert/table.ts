/** A table's entry by a word of the input, which may be `constructor` or whatever else every object has. */
export function entryOf<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/** Whether HCL leaves a text as it is: it writes composed characters (NFC) for all others, in files and on the node. */
export function isComposed(text: string): boolean {
  return text.normalize("NFC") === text;
}
