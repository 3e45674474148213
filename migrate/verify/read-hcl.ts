/** HCL as far as `forge migrate` writes it: blocks, and attributes whose values are literals. */
export type HclValue = string | number | boolean | readonly HclValue[] | ReadonlyMap<string, HclValue>;

export interface HclBlock {
  readonly type: string;
  readonly label: string | undefined;
  readonly attributes: ReadonlyMap<string, HclValue>;
  readonly blocks: readonly HclBlock[];
}

export class HclError extends Error {
  constructor(
    message: string,
    readonly line: number,
  ) {
    super(`line ${line}: ${message}`);
  }
}

const WORD = /[A-Za-z_][\w-]*/y;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const GAP = /(?:[ \t\r]|#[^\n]*)*/y;
const GAP_AND_LINES = /(?:[ \t\r\n]|#[^\n]*)*/y;
const HEREDOC = /<<([A-Za-z_]\w*)\n/y;
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\" };

/**
 * The blocks of a file.
 * @throws {HclError} where it is no HCL, or says something by an expression: nobody but Nomad can tell what that comes to
 */
export function readHcl(text: string): readonly HclBlock[] {
  return new Reader(text).file();
}

class Reader {
  #at = 0;

  constructor(private readonly text: string) {}

  file(): readonly HclBlock[] {
    const { attributes, blocks } = this.#body("");
    if (attributes.size > 0) throw this.#error("an attribute outside of every block");
    return blocks;
  }

  #body(end: "" | "}"): Pick<HclBlock, "attributes" | "blocks"> {
    const attributes = new Map<string, HclValue>();
    const blocks: HclBlock[] = [];
    for (;;) {
      this.#match(GAP_AND_LINES);
      if (end === "" ? this.#at === this.text.length : this.#takes("}")) return { attributes, blocks };
      const name = this.#match(WORD);
      if (name === undefined) throw this.#error("a name was expected");
      this.#match(GAP);
      if (this.#takes("=")) {
        this.#match(GAP);
        if (attributes.has(name)) throw this.#error(`"${name}" is set twice`);
        attributes.set(name, this.#value());
      } else {
        const label = this.text[this.#at] === '"' ? this.#quoted() : undefined;
        this.#match(GAP);
        this.#expect("{");
        blocks.push({ type: name, label, ...this.#body("}") });
      }
    }
  }

  #value(): HclValue {
    const char = this.text[this.#at];
    if (char === '"') return this.#quoted();
    if (char === "[") return this.#list();
    if (char === "{") return this.#map();
    const marker = this.#match(HEREDOC);
    if (marker !== undefined) return this.#heredoc(marker.slice(2, -1));
    const number = this.#match(NUMBER);
    if (number !== undefined) return Number(number);
    const word = this.#match(WORD);
    if (word === "true" || word === "false") return word === "true";
    throw this.#error("a literal value was expected");
  }

  #list(): readonly HclValue[] {
    this.#expect("[");
    const items: HclValue[] = [];
    for (;;) {
      this.#match(GAP_AND_LINES);
      if (this.#takes("]")) return items;
      items.push(this.#value());
      this.#match(GAP_AND_LINES);
      if (!this.#takes(",") && this.text[this.#at] !== "]") throw this.#error('"," or "]" was expected');
    }
  }

  #map(): ReadonlyMap<string, HclValue> {
    this.#expect("{");
    const entries = new Map<string, HclValue>();
    for (;;) {
      this.#match(GAP_AND_LINES);
      if (this.#takes("}")) return entries;
      const key = this.text[this.#at] === '"' ? this.#quoted() : this.#match(WORD);
      if (key === undefined) throw this.#error("a key was expected");
      this.#match(GAP);
      this.#expect("=");
      this.#match(GAP);
      entries.set(key, this.#value());
      this.#takes(",");
    }
  }

  #quoted(): string {
    this.#expect('"');
    let out = "";
    for (;;) {
      const char = this.text[this.#at];
      if (char === undefined || char === "\n") throw this.#error("a text without its closing quote");
      if (this.#takes('"')) return out;
      if (char === "\\") out += this.#escape();
      else out += this.#templateText();
    }
  }

  #escape(): string {
    const kind = this.text[this.#at + 1] ?? "";
    const width = { u: 4, U: 8 }[kind];
    if (width === undefined) {
      const known = ESCAPES[kind];
      if (known === undefined) throw this.#error(`"\\${kind}" is no escape`);
      this.#at += 2;
      return known;
    }
    const digits = this.text.slice(this.#at + 2, this.#at + 2 + width);
    if (!new RegExp(`^[0-9a-fA-F]{${width}}$`).test(digits)) throw this.#error("an escape without its digits");
    this.#at += 2 + width;
    return String.fromCodePoint(parseInt(digits, 16));
  }

  /** One character, or `${` and `%{`, which stand doubled. */
  #templateText(): string {
    const rest = this.text.slice(this.#at, this.#at + 3);
    if (rest === "$${" || rest === "%%{") {
      this.#at += 3;
      return rest.slice(1);
    }
    if (/^[$%]\{/.test(rest)) throw this.#error("an expression, where only literals are");
    this.#at += 1;
    return rest.charAt(0);
  }

  #heredoc(marker: string): string {
    let out = "";
    for (;;) {
      const end = this.text.indexOf("\n", this.#at);
      const line = this.text.slice(this.#at, end === -1 ? this.text.length : end);
      if (line.trim() === marker) {
        this.#at += line.length;
        return out;
      }
      if (end === -1) throw this.#error(`a here-document without its ${marker}`);
      while (this.#at < end) out += this.#templateText();
      out += "\n";
      this.#at = end + 1;
    }
  }

  /** Takes what matches here; undefined, and nothing taken, where nothing does. */
  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #takes(char: string): boolean {
    if (this.text[this.#at] !== char) return false;
    this.#at += 1;
    return true;
  }

  #expect(char: string): void {
    if (!this.#takes(char)) throw this.#error(`"${char}" was expected`);
  }

  #error(message: string): HclError {
    return new HclError(message, this.text.slice(0, this.#at).split("\n").length);
  }
}
