import { type Column, renderTable } from "./table";

interface Row {
  readonly id: string;
  readonly reason: string;
}

const rows: readonly Row[] = [{ id: "srv-here-7fc925e707e6880b", reason: "there is no file /srv/no-such-program" }];
const columns = (shrink: "end" | "prose"): readonly Column<Row>[] => [
  { title: "SERVER", cell: ({ id }) => id, shrink: "middle" },
  { title: "REASON", cell: ({ reason }) => reason, shrink },
];

it("cuts prose before ids, and ids before other text", () => {
  expect(renderTable(columns("prose"), rows, { width: 42 })).toEqual([
    "SERVER                     REASON",
    "srv-here-7fc925e707e6880b  there is no fi…",
  ]);
  expect(renderTable(columns("end"), rows, { width: 50 })[1]).toBe(
    "srv-h…6880b  there is no file /srv/no-such-program",
  );
});
