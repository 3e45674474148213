/** Strings of HCL, and the writer that indents. */

/** Makes text mean itself in a template of HCL: `${` and `%{` would begin an expression. Done once, here. */
function escaped(text: string): string {
  return text.replace(/\$\{|%\{/g, (opening) => `${opening[0] ?? ""}${opening}`);
}

/** Characters that a here-document would not keep. A line feed and a tab it does. */
// eslint-disable-next-line no-control-regex
const UNSAFE = /[\0-\x08\x0b-\x1f\x7f\ufeff\u2028\u2029]/;
// eslint-disable-next-line no-control-regex
const ESCAPED = /[\\"]|[\0-\x1f\x7f\u2028\u2029\ufeff]/g;

/** Text in quotes. */
export function quoted(text: string): string {
  const body = escaped(text).replace(ESCAPED, (char) => {
    const known = { "\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t" }[char];
    return known ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
  return `"${body}"`;
}

/** Text of several lines as a here-document, where it can be one without a change; else in quotes. */
export function textOf(text: string): string {
  const isLines = text.includes("\n") && text.endsWith("\n") && !UNSAFE.test(text);
  if (!isLines) return quoted(text);
  const lines = new Set(text.split("\n").map((line) => line.trim()));
  let marker = "EOT";
  for (let at = 2; [...lines].some((line) => line.startsWith(marker)); at++) marker = `EOT${at}`;
  return `<<${marker}\n${escaped(text)}${marker}`;
}

/** A name before `=`: bare where HCL allows, else in quotes. */
export function keyOf(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_-]*$/.test(name) ? name : quoted(name);
}

/** `30s`, `500ms`; what Go's parser of durations takes. */
export function durationText(seconds: number): string {
  const ms = Math.round(seconds * 1000);
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

/** Lines with their indent; here-documents are not indented. */
export class HclWriter {
  readonly #lines: string[] = [];
  #depth = 0;

  line(text: string): void {
    this.#lines.push(text === "" ? "" : `${"  ".repeat(this.#depth)}${text}`);
  }

  /** Text that may come from the input: a line break in it must not end the comment. */
  comment(text: string): void {
    for (const line of text.split(/[\n\r\u2028\u2029]/)) this.line(`# ${line}`);
  }

  attribute(key: string, value: string): void {
    this.line(`${keyOf(key)} = ${value}`);
  }

  block(head: string, body: () => void): void {
    this.line(`${head} {`);
    this.#depth += 1;
    body();
    this.#depth -= 1;
    this.line("}");
  }

  get text(): string {
    return `${this.#lines.join("\n")}\n`;
  }
}
