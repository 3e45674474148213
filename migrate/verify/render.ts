/** What Nomad's template renderer makes of a template, as far as nothing of a cluster is asked for. */

interface TextTemplate {
  readonly data: string;
  readonly left?: string | undefined;
  readonly right?: string | undefined;
}

/** A literal of text, and one filter of it. */
const LITERAL = /^\s*("(?:[^"\\]|\\.)*")\s*(?:\|\s*(base64Decode)\s*)?$/s;

/**
 * Its bytes; undefined where it asks for something that only a cluster knows. Text outside of the delimiters stays as it is,
 * by Go's text/template: only `-` inside of a delimiter takes space away, and `forge migrate` writes none.
 */
export function renderedBytes({ data, left = "{{", right = "}}" }: TextTemplate): Uint8Array | undefined {
  const parts: Uint8Array[] = [];
  let at = 0;
  for (;;) {
    const open = data.indexOf(left, at);
    if (open === -1) {
      parts.push(Buffer.from(data.slice(at)));
      return Buffer.concat(parts);
    }
    parts.push(Buffer.from(data.slice(at, open)));
    const close = data.indexOf(right, open + left.length);
    const [, text, filter] = LITERAL.exec(data.slice(open + left.length, close === -1 ? undefined : close)) ?? [];
    if (close === -1 || text === undefined) return undefined;
    parts.push(Buffer.from(JSON.parse(text) as string, filter === undefined ? "utf8" : "base64"));
    at = close + right.length;
  }
}
