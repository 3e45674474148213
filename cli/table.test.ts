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

it("leaves lesser columns out before it cuts an id, the least first, and cuts prose to some words before that", () => {
  const more = (reason: "prose" | "end"): readonly Column<Row>[] => [
    { title: "SERVER", cell: ({ id }) => id, shrink: "middle" },
    { title: "AGE", cell: () => "12m 30s", lesser: 1 },
    { title: "CPU", cell: () => "10%", lesser: 0 },
    { title: "REASON", cell: ({ reason: text }) => text, shrink: reason },
  ];
  const titles = (width: number) => renderTable(more("prose"), rows, { width })[0]?.split(/ +/);
  expect(titles(80)).toEqual(["SERVER", "AGE", "CPU", "REASON"]);
  expect(titles(65)).toEqual(["SERVER", "AGE", "CPU", "REASON"]);
  expect(titles(64)).toEqual(["SERVER", "AGE", "REASON"]);
  expect(renderTable(more("prose"), rows, { width: 52 })).toEqual([
    "SERVER                     REASON",
    "srv-here-7fc925e707e6880b  there is no file /srv/no…",
  ]);
});
