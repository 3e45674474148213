import { formatPath, type Path } from "./problem";

export interface Place {
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

/** Finds where in the file a path stands; of a path that is not there, its nearest table that is. */
export type Locate = (path: Path) => Place | undefined;

/**
 * Notes where each key of a TOML document stands. The document has been parsed already, so this walks its shape
 * (headers, keys, strings, brackets) and judges nothing.
 */
export function locator(text: string): Locate {
  const places = new Scanner(text).scan();
  return (path) => {
    for (let length = path.length; length > 0; length--) {
      const place = places.get(formatPath(path.slice(0, length)));
      if (place !== undefined) return place;
    }
    return undefined;
  };
}

class Scanner {
  private at = 0;
  private readonly places = new Map<string, Place>();
  /** How many elements each array of tables has so far. */
  private readonly tables = new Map<string, number>();
  private readonly lineStarts: number[] = [0];

  constructor(private readonly text: string) {
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) this.lineStarts.push(at + 1);
  }

  scan(): ReadonlyMap<string, Place> {
    let table: Path = [];
    for (this.skipBlank(); this.at < this.text.length; this.skipBlank()) {
      if (this.text[this.at] === "[") table = this.header();
      else this.pair(table);
    }
    return this.places;
  }

  /** `[a.b]` or `[[a.b]]`; returns the path that the keys below it belong to. */
  private header(): Path {
    const start = this.at;
    const array = this.text.startsWith("[[", this.at);
    this.at += array ? 2 : 1;
    const keys = this.keys("]");
    this.at += array ? 2 : 1;
    const path: (string | number)[] = [];
    keys.forEach((key, index) => {
      path.push(key);
      const name = formatPath(path);
      const seen = this.tables.get(name);
      if (array && index === keys.length - 1) {
        this.tables.set(name, (seen ?? 0) + 1);
        this.note(path, start);
        path.push(seen ?? 0);
      } else if (seen !== undefined) path.push(seen - 1);
    });
    this.note(path, start);
    return path;
  }

  /** `key = value`, at the top level of a table or inside `{ }`. */
  private pair(table: Path): void {
    const start = this.at;
    const path = [...table, ...this.keys("=")];
    for (let length = table.length + 1; length <= path.length; length++) this.note(path.slice(0, length), start);
    this.at++;
    this.value(path);
  }

  private keys(end: string): string[] {
    const keys: string[] = [];
    while (this.at < this.text.length && this.text[this.at] !== end) {
      const char = this.text[this.at] ?? "";
      if (char === '"' || char === "'") keys.push(this.quoted());
      else if (/[A-Za-z0-9_-]/.test(char)) {
        const bare = /^[A-Za-z0-9_-]+/.exec(this.text.slice(this.at))?.[0] ?? char;
        keys.push(bare);
        this.at += bare.length;
      } else this.at++;
    }
    return keys;
  }

  private value(path: Path): void {
    this.skipSpace();
    const char = this.text[this.at];
    if (char === "{") {
      this.inside("}", () => this.pair(path));
    } else if (char === "[") {
      let index = 0;
      this.inside("]", () => {
        const element = [...path, index++];
        this.note(element, this.at);
        this.value(element);
      });
    } else if (char === '"' || char === "'") this.quoted();
    else while (this.at < this.text.length && !/[\s,\]}#]/.test(this.text[this.at] ?? "")) this.at++;
  }

  private inside(end: string, element: () => void): void {
    this.at++;
    for (;;) {
      this.skipBlank(",");
      if (this.at >= this.text.length) return;
      if (this.text[this.at] === end) break;
      element();
    }
    this.at++;
  }

  /** A string of any of TOML's four kinds; the text of a quoted key with its escapes undone. */
  private quoted(): string {
    const quote = this.text[this.at] ?? "";
    const long = this.text.startsWith(quote.repeat(3), this.at);
    const end = long ? quote.repeat(3) : quote;
    const start = this.at;
    this.at += end.length;
    while (this.at < this.text.length && !this.text.startsWith(end, this.at)) {
      this.at += quote === '"' && this.text[this.at] === "\\" ? 2 : 1;
    }
    this.at += end.length;
    // A long string may end in up to two quotes of its own.
    while (long && this.text[this.at] === quote) this.at++;
    const raw = this.text.slice(start, this.at);
    return quote === '"' && !long ? unescape(raw) : raw.slice(end.length, -end.length);
  }

  private note(path: Path, offset: number): void {
    const name = formatPath(path);
    if (this.places.has(name)) return;
    let line = this.lineStarts.length;
    while (line > 1 && (this.lineStarts[line - 1] ?? 0) > offset) line--;
    this.places.set(name, { line, column: offset - (this.lineStarts[line - 1] ?? 0) + 1 });
  }

  private skipSpace(): void {
    while (/[ \t]/.test(this.text[this.at] ?? "")) this.at++;
  }

  /** White space, line ends, comments, and `extra`. */
  private skipBlank(extra = ""): void {
    for (;;) {
      const char = this.text[this.at];
      if (char === undefined) return;
      if (char === "#") while (this.at < this.text.length && this.text[this.at] !== "\n") this.at++;
      else if (/\s/.test(char) || char === extra || char === "\uFEFF") this.at++;
      else return;
    }
  }
}

/** Basic strings escape as JSON does, but for `\UXXXXXXXX`, `\e` and `\xXX`, which no sensible key has. */
function unescape(quoted: string): string {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return quoted.slice(1, -1);
  }
}
