const DEFAULT_LIMIT = 100;

export interface PageQuery {
  readonly limit?: number;
  readonly after?: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/**
 * A page of a list in the order of its keys. The cursor is the last key given out, so a list that changes meanwhile
 * neither repeats nor drops what stayed in it, and every region of the run understands the same cursor.
 */
export function pageOf<T>(
  all: readonly T[],
  keyOf: (item: T) => string,
  { limit = DEFAULT_LIMIT, after }: PageQuery,
  more = false,
): Page<T> {
  const from = after === undefined ? undefined : Buffer.from(after, "base64url").toString("utf8");
  const keyed = all.map((item) => ({ item, key: keyOf(item) })).filter(({ key }) => from === undefined || key > from);
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const page = keyed.slice(0, limit);
  const last = page.at(-1);
  const goesOn = last !== undefined && (keyed.length > page.length || more);
  return { items: page.map(({ item }) => item), next: goesOn ? Buffer.from(last.key).toString("base64url") : null };
}
