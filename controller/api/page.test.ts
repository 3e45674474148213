import fc from "fast-check";
import { pageOf } from "./page";

const keyOf = (text: string): string => text;

describe("a page", () => {
  it("has a hundred items where nothing else was asked, and ends", () => {
    const all = Array.from({ length: 150 }, (_, n) => String(n).padStart(3, "0"));
    const first = pageOf(all, keyOf, {});
    expect([first.items.length, first.items[0], first.items.at(-1)]).toEqual([100, "000", "099"]);
    const second = pageOf(all, keyOf, { after: first.next ?? "" });
    expect([second.items.length, second.items[0], second.next]).toEqual([50, "100", null]);
  });

  it("goes on where another region says that it has more", () => {
    expect(pageOf(["a"], keyOf, { limit: 5 }, true).next).not.toBeNull();
    expect(pageOf([], keyOf, { limit: 5 }, true).next).toBeNull();
  });

  it("after page gives every item once and in order, though others come and go", () => {
    const keys = fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 30 });
    fc.assert(
      fc.property(keys, keys, fc.integer({ min: 1, max: 7 }), (stay, come, limit) => {
        const late = come.filter((key) => !stay.includes(key));
        const seen: string[] = [];
        let all = stay;
        let after: string | undefined;
        for (;;) {
          const page = pageOf(all, keyOf, { limit, ...(after !== undefined && { after }) });
          seen.push(...page.items);
          if (page.next === null) break;
          after = page.next;
          all = [...stay, ...late];
        }
        expect(seen.filter((key) => stay.includes(key))).toEqual([...stay].sort());
        expect(new Set(seen).size).toBe(seen.length);
      }),
    );
  });
});
