import { pointerTo, type SourceNode } from "../reader/source-node";
import { CODES, type Code } from "./codes";
import { isAtLeast, worse } from "./entry";

/** What was said about a node; it holds for every leaf below that nothing closer was said about. */
export interface Claim {
  readonly code: Code;
  readonly targets: readonly string[];
}

/** What converters said about one document, by pointer. */
export class Claims {
  readonly #byPointer = new Map<string, Claim>();

  /** Two about the same node: the worse code by status, then severity; both targets. */
  add(pointer: string, code: Code, targets: readonly string[]): void {
    const before = this.#byPointer.get(pointer);
    if (before === undefined) {
      this.#byPointer.set(pointer, { code, targets });
      return;
    }
    const [was, is] = [CODES[before.code], CODES[code]];
    const isWorse =
      was.status === is.status ? !isAtLeast(was.severity, is.severity) : worse(was.status, is.status) === is.status;
    const kept = isWorse ? code : before.code;
    this.#byPointer.set(pointer, { code: kept, targets: [...new Set([...before.targets, ...targets])] });
  }

  /** What was said about exactly this place. */
  at(pointer: string): Claim | undefined {
    return this.#byPointer.get(pointer);
  }
}

/**
 * A place in an object, with its value where it has one. Converters read values through it and say at the same place
 * what became of them, so that nothing is read without being accounted for. Reading never throws: a value of a kind
 * that Kubernetes would not take there is `undefined` and said to be `wrongType`.
 */
export class Cursor {
  constructor(
    readonly node: SourceNode | undefined,
    readonly pointer: string,
    private readonly claims: Claims,
  ) {}

  get present(): boolean {
    return this.node !== undefined && !(this.node.kind === "scalar" && this.node.value === null);
  }

  get(...path: readonly string[]): Cursor {
    return path.reduce<Cursor>((at, key) => {
      const node = at.node?.kind === "map" ? at.node.entries.get(key) : undefined;
      return new Cursor(node, pointerTo(at.pointer, key), this.claims);
    }, this);
  }

  /** Of a list; of anything else none. */
  items(): readonly Cursor[] {
    if (this.node?.kind !== "list") {
      if (this.present) this.note("wrongType");
      return [];
    }
    return this.node.items.map((item, index) => new Cursor(item, pointerTo(this.pointer, index), this.claims));
  }

  /** Of a map; of anything else none. */
  entries(): readonly (readonly [string, Cursor])[] {
    if (this.node?.kind !== "map") {
      if (this.present) this.note("wrongType");
      return [];
    }
    return [...this.node.entries].map(([key, value]) => [
      key,
      new Cursor(value, pointerTo(this.pointer, key), this.claims),
    ]);
  }

  /** Text; of a number or truth value, which Kubernetes refuses here, its text all the same. */
  text(): string | undefined {
    if (!this.present) return undefined;
    if (this.node?.kind === "scalar") {
      if (typeof this.node.value !== "string") this.note("wrongType");
      return String(this.node.value);
    }
    this.note("wrongType");
    return undefined;
  }

  int(): number | undefined {
    if (!this.present) return undefined;
    if (this.node?.kind === "scalar" && Number.isSafeInteger(this.node.value)) return this.node.value as number;
    this.note("wrongType");
    return undefined;
  }

  flag(): boolean | undefined {
    if (!this.present) return undefined;
    if (this.node?.kind === "scalar" && typeof this.node.value === "boolean") return this.node.value;
    this.note("wrongType");
    return undefined;
  }

  /** A number or text: ports, quantities, "25%". */
  intOrText(): number | string | undefined {
    if (!this.present) return undefined;
    const value = this.node?.kind === "scalar" ? this.node.value : undefined;
    if (typeof value === "number" || typeof value === "string") return value;
    this.note("wrongType");
    return undefined;
  }

  /** Texts of a list, in order. */
  texts(): readonly string[] {
    return this.items().flatMap((item) => item.text() ?? []);
  }

  /** A map of texts. */
  textMap(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.entries().map(([key, value]) => [key, value.text() ?? ""]));
  }

  /** Says what became of this place and all below it. Nothing where the input has no such place. */
  note(code: Code, ...targets: readonly string[]): this {
    if (this.node !== undefined) this.claims.add(this.pointer, code, targets);
    return this;
  }

  converted(...targets: readonly string[]): this {
    return this.note("converted", ...targets);
  }
}
