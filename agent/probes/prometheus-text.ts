/** One line of the Prometheus text format. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** `name{labels} value timestamp`; the labels are taken apart separately. */
const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?[ \t]+([^ \t]+)(?:[ \t]+-?\d+)?[ \t]*$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"[ \t]*(?:,|$)[ \t]*/y;

/**
 * Reads samples of the Prometheus text format, version 0.0.4. Lines that are none are passed over: a server's statistics
 * may be worse than its service.
 *
 * @param wanted the metric names of interest; the rest is not taken apart
 */
export function parsePrometheus(text: string, wanted: ReadonlySet<string>): readonly Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split(/\r?\n/)) {
    const nameEnd = line.search(/[{ \t]/);
    if (nameEnd <= 0 || !wanted.has(line.slice(0, nameEnd))) continue;
    const [, name, labelText, valueText] = LINE.exec(line) ?? [];
    const value = numberOf(valueText);
    const labels = parseLabels(labelText ?? "");
    if (name !== undefined && labels !== undefined && value !== undefined) samples.push({ name, labels, value });
  }
  return samples;
}

function parseLabels(text: string): Record<string, string> | undefined {
  const labels: [string, string][] = [];
  LABEL.lastIndex = 0;
  for (let at = text.length - text.trimStart().length; at < text.length; at = LABEL.lastIndex) {
    LABEL.lastIndex = at;
    const [, name, value] = LABEL.exec(text) ?? [];
    if (name === undefined || value === undefined) return undefined;
    labels.push([name, value.replace(/\\(.)/g, (_, char: string) => (char === "n" ? "\n" : char))]);
  }
  return Object.fromEntries(labels);
}

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[+-]?inf$/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  const value = Number(text);
  return Number.isNaN(value) ? undefined : value;
}
