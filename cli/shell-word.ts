/** Text as one word of a POSIX shell, quoted only where it has to be: a command that is printed is pasted. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
