const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

interface Field {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
  /** Beyond lists: the last day, the weekday next to one, the nth of a month. */
  readonly special?: RegExp;
}

const FIELDS: readonly Field[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31, special: /^(L|LW|([1-9]|[12]\d|3[01])W)$/ },
  { min: 1, max: 12, names: MONTHS },
  { min: 0, max: 7, names: DAYS, special: /^[0-7](L|#[1-5])$/ },
];

/** Whether Nomad's parser takes it: five fields within their ranges, or a macro. Source: `hashicorp/cronexpr`. */
export function isCron(text: string): boolean {
  if (/^@(yearly|monthly|weekly|daily|hourly)$/.test(text)) return true;
  const words = text.split(/\s+/);
  return words.length === FIELDS.length && FIELDS.every((field, at) => isField(words[at] ?? "", field));
}

function isField(word: string, { min, max, names = [], special }: Field): boolean {
  const isValue = (value: string): boolean =>
    names.includes(value.toUpperCase()) || (/^\d{1,2}$/.test(value) && Number(value) >= min && Number(value) <= max);
  return word.split(",").every((part) => {
    if (special?.test(part) === true) return true;
    const [range = "", step, ...more] = part.split("/");
    if (more.length > 0) return false;
    if (step !== undefined && !(/^[1-9]\d?$/.test(step) && Number(step) <= max)) return false;
    if (range === "*" || range === "?") return true;
    const ends = range.split("-");
    return ends.length <= 2 && ends.every(isValue);
  });
}
