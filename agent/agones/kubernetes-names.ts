/**
 * Kubernetes' rules for keys and values of labels, in its own words, which servers built for Agones may log or look for.
 * Source: apimachinery, `pkg/api/validate/content` (`IsLabelKey`, `IsLabelValue`, `IsDNS1123Subdomain`).
 */

const MAX_NAME = 63;
const MAX_PREFIX = 253;
const NAME = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const ENDS = "and must start and end with an alphanumeric character";
const NAME_WORDS = `must consist of alphanumeric characters, '-', '_' or '.', ${ENDS}`;

/** All that is wrong with a key, `NAME` or `PREFIX/NAME`; empty where nothing is. */
export function labelKeyProblems(key: string): readonly string[] {
  const parts = key.split("/");
  const examples = ["MyName", "my.name", "123-abc"];
  if (parts.length > 2) {
    const words = unlike(NAME_WORDS, NAME, examples);
    return [`a valid label key ${words} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  const [name = "", prefix] = parts.reverse();
  return [
    ...prefixProblems(prefix).map((problem) => `prefix part ${problem}`),
    ...(name === "" ? ["name part must be non-empty"] : tooLong(name, MAX_NAME).map((words) => `name part ${words}`)),
    ...(matches(name, NAME) ? [] : [`name part ${unlike(NAME_WORDS, NAME, examples)}`]),
  ];
}

/** All that is wrong with a label's value. */
export function labelValueProblems(value: string): readonly string[] {
  const words = `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', ${ENDS}`;
  const form = `(${NAME})?`;
  return [
    ...tooLong(value, MAX_NAME),
    ...(matches(value, form) ? [] : [unlike(words, form, ["MyValue", "my_value", "12345"])]),
  ];
}

function prefixProblems(prefix: string | undefined): readonly string[] {
  if (prefix === undefined) return [];
  if (prefix === "") return ["must be non-empty"];
  const words = `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', ${ENDS}`;
  const fits = matches(prefix, SUBDOMAIN);
  return [...tooLong(prefix, MAX_PREFIX), ...(fits ? [] : [unlike(words, SUBDOMAIN, ["example.com"])])];
}

function tooLong(text: string, most: number): readonly string[] {
  return Buffer.byteLength(text) > most ? [`must be no more than ${most} bytes`] : [];
}

/** The expressions have no nested repeats over the same characters, but a long text need not be tried at all. */
function matches(text: string, form: string): boolean {
  return text.length <= 1024 && new RegExp(`^${form}$`).test(text);
}

function unlike(words: string, form: string, examples: readonly string[]): string {
  const shown = examples.map((example) => `'${example}', `).join(" or ");
  return `${words} (e.g. ${shown}regex used for validation is '${form}')`;
}
