/**
 * A text as pieces that together are the text, one for each JSON object where several follow each other without anything
 * between them, as `jq '.items[]'` prints them and Kubernetes reads them; any other text as a whole.
 */
export function jsonValues(text: string): readonly string[] {
  if (!/^\s*\{/.test(text)) return [text];
  const pieces: string[] = [];
  let begin = 0;
  let depth = 0;
  let isInText = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (isInText) {
      if (char === "\\") at += 1;
      else if (char === '"') isInText = false;
    } else if (char === '"') isInText = true;
    else if (char === "{" || char === "[") depth += 1;
    else if (char === "}" || char === "]") {
      depth -= 1;
      if (depth === 0 && followsObject(text, at + 1)) {
        pieces.push(text.slice(begin, at + 1));
        begin = at + 1;
      }
    }
  }
  return pieces.length > 0 && pieces.every(isJson) ? [...pieces, text.slice(begin)] : [text];
}

function followsObject(text: string, from: number): boolean {
  const next = /\s*\{/y;
  next.lastIndex = from;
  return next.test(text);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
