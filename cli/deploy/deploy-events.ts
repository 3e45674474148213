import type { CliContext } from "../context";
import { formatMs } from "../format";
import type { Paints } from "../paint";
import type { Diagnosis } from "./diagnosis";
import type { PlannedAction, PlannedChange } from "./plan-words";

/** What happens in a plan or a deploy, in its order; with `--json` each is a line. */
export type DeployEvent = { readonly stack: string } & (
  | { readonly type: "planned"; readonly changes: readonly PlannedChange[] }
  | { readonly type: "started"; readonly address: string; readonly words: string }
  | { readonly type: "said"; readonly address: string; readonly text: string }
  | { readonly type: "finished"; readonly address: string; readonly words: string; readonly tookMs: number }
  | { readonly type: "waiting"; readonly address: string; readonly words: string; readonly tookMs: number }
  | { readonly type: "done"; readonly outcome: StackOutcome; readonly tookMs: number }
  | ({ readonly type: "failed" } & Diagnosis)
);

/** `planned`: nothing was to be applied; `declined`: somebody said no. */
export type StackOutcome = "unchanged" | "deployed" | "destroyed" | "planned" | "declined";

/** Tells events to a person as lines, or to a program as JSON. Results of `forge plan` are told by the command itself. */
export function tellEvent(event: DeployEvent, context: CliContext): void {
  if (context.options.json) {
    context.io.out(`${JSON.stringify(event)}\n`);
    return;
  }
  const lines = eventLines(event, context.paints);
  if (lines.length > 0) context.io.out(`${lines.join("\n")}\n`);
}

const MARKS: Readonly<Record<PlannedAction, string>> = { create: "+", update: "~", replace: "±", delete: "-" };
const OUTCOMES: Readonly<Record<StackOutcome, string>> = {
  unchanged: "no changes",
  deployed: "deployed",
  destroyed: "destroyed: nothing of it is left",
  planned: "planned",
  declined: "left as it is",
};

/** The event as people read it. */
export function eventLines(event: DeployEvent, paints: Paints): readonly string[] {
  const head = `${paints.bold(event.stack)}: `;
  switch (event.type) {
    case "planned":
      return event.changes.length === 0
        ? []
        : [
            `${head}${countOf(event.changes)}`,
            ...event.changes.map(({ action, words }) => `  ${MARKS[action]} ${words}`),
          ];
    case "started":
      return [];
    case "said":
      return [paints.dim(`  ${event.stack}: ${event.text}`)];
    case "waiting":
      return [`${head}${event.words} … ${formatMs(event.tookMs)}`];
    case "finished":
      return [`${head}${event.words}: ${paints.green("done")} (${formatMs(event.tookMs)})`];
    case "done":
      return [
        `${head}${OUTCOMES[event.outcome]}${event.outcome === "deployed" ? ` in ${formatMs(event.tookMs)}` : ""}`,
      ];
    case "failed":
      return [`${head}${paints.red("failed")}`];
  }
}

/** Such as `2 to add, 1 to change`. */
function countOf(changes: readonly PlannedChange[]): string {
  const of = (...actions: readonly PlannedAction[]): number =>
    changes.filter(({ action }) => actions.includes(action)).length;
  const parts = [
    [of("create"), "to add"],
    [of("update"), "to change"],
    [of("replace"), "to make anew"],
    [of("delete"), "to remove"],
  ] as const;
  return parts
    .filter(([count]) => count > 0)
    .map(([count, words]) => `${count} ${words}`)
    .join(", ");
}
