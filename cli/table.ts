/** Text with what colours it. Colour is added last, so that widths are those of the text. */
export interface Cell {
  readonly text: string;
  readonly paint?: ((text: string) => string) | undefined;
}

export interface Column<T> {
  readonly title: string;
  readonly cell: (row: T) => Cell | string;
  readonly align?: "right";
  /** Where its text may be cut when lines are too long; prose, at its end, before all else, then the first such column. */
  readonly shrink?: "end" | "middle" | "prose";
  /** Left out where cutting is not enough; the last such column goes first. */
  readonly optional?: boolean;
  /** Left out before any id is cut, so that ids can be copied; the lowest goes first. Prose is cut before, down to some words. */
  readonly lesser?: number;
}

export interface TableOptions {
  /** Characters of a line; nothing is cut or left out where not given. */
  readonly width?: number | undefined;
  readonly paintTitle?: ((text: string) => string) | undefined;
}

const GAP = 2;
/** A cut column keeps this many characters while others can still be left out, and this many at the very least. */
const ENOUGH = 12;
const LEAST = 6;
/** So much of prose is left while lesser columns can go. */
const SOME_WORDS = 24;

/** Rows as aligned lines under their titles. Empty where there are no rows: the caller says so in words. */
export function renderTable<T>(
  columns: readonly Column<T>[],
  rows: readonly T[],
  options: TableOptions = {},
): string[] {
  if (rows.length === 0) return [];
  const texts = columns.map((column) => ({
    column,
    title: { text: column.title, paint: options.paintTitle },
    cells: rows.map((row) => asCell(column.cell(row))),
  }));
  const shown = fitting(texts, options.width);
  return [-1, ...rows.keys()].map((row) =>
    shown
      .map(({ column, title, cells, width }, index) => {
        const cell = row < 0 ? title : (cells[row] ?? { text: "" });
        return padded(cell, width, column, index === shown.length - 1);
      })
      .join(" ".repeat(GAP))
      .trimEnd(),
  );
}

/** At most `width` characters, the last one "…" where something was cut. */
export function cut(text: string, width: number): string {
  if (text.length <= width) return text;
  return width <= 0 ? "" : `${text.slice(0, width - 1)}…`;
}

/** One line without control characters: what servers and players wrote cannot move the cursor or change colours. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ");
}

function asCell(cell: Cell | string): Cell {
  const { text, paint } = typeof cell === "string" ? { text: cell, paint: undefined } : cell;
  return { text: plain(text), paint };
}

interface Texts<T> {
  readonly column: Column<T>;
  readonly title: Cell;
  readonly cells: readonly Cell[];
}

/** The columns that there is room for, each with its width. */
function fitting<T>(texts: readonly Texts<T>[], width = Infinity): readonly (Texts<T> & { readonly width: number })[] {
  const natural = texts.map((each) => ({
    ...each,
    width: Math.max(each.title.text.length, ...each.cells.map(({ text }) => text.length)),
  }));
  const lesser = least(texts);
  if (
    lesser !== undefined &&
    natural.reduce((sum, each) => sum + each.width - prosaic(each), 0) + GAP * (texts.length - 1) > width
  )
    return fitting(
      texts.filter((each) => each !== lesser),
      width,
    );
  const last = texts.findLastIndex(({ column }) => column.optional === true);
  let over = natural.reduce((sum, each) => sum + each.width + GAP, -GAP) - width;
  const cutWhere = (isProse: boolean) => (each: (typeof natural)[number]) => {
    const { shrink } = each.column;
    if (shrink === undefined || (shrink === "prose") !== isProse || over <= 0) return each;
    const next = Math.max(Math.min(last < 0 ? LEAST : ENOUGH, each.width), each.width - over);
    over -= each.width - next;
    return { ...each, width: next };
  };
  const cutToFit = natural.map(cutWhere(true)).map(cutWhere(false));
  return over <= 0 || last < 0 ? cutToFit : fitting(texts.toSpliced(last, 1), width);
}

/** The column that goes first where ids would have to be cut. */
function least<T>(texts: readonly Texts<T>[]): Texts<T> | undefined {
  const [first] = texts
    .filter(({ column }) => column.lesser !== undefined)
    .sort((a, b) => (a.column.lesser ?? 0) - (b.column.lesser ?? 0));
  return first;
}

/** How much of it may be cut before anything else is. */
function prosaic<T>({ column, width }: Texts<T> & { readonly width: number }): number {
  return column.shrink === "prose" ? Math.max(0, width - SOME_WORDS) : 0;
}

function padded<T>({ text, paint }: Cell, width: number, { align, shrink }: Column<T>, last: boolean): string {
  const shown = shrink === "middle" ? cutMiddle(text, width) : cut(text, width);
  const space = " ".repeat(width - shown.length);
  const painted = paint === undefined || shown === "" ? shown : paint(shown);
  if (align === "right") return space + painted;
  return last ? painted : painted + space;
}

/** Ids differ in their ends. */
function cutMiddle(text: string, width: number): string {
  if (text.length <= width) return text;
  const tail = Math.floor((width - 1) / 2);
  return `${text.slice(0, width - 1 - tail)}…${tail === 0 ? "" : text.slice(-tail)}`;
}
