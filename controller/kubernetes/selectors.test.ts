import type { KubeObject } from "./objects";
import { fieldSelector, labelSelector, SelectorError } from "./selectors";

const object: KubeObject = {
  apiVersion: "agones.dev/v1",
  kind: "GameServer",
  metadata: { name: "s1", namespace: "default", labels: { "agones.dev/fleet": "arena", mode: "duel", empty: "" } },
};

it.each([
  ["", true],
  ["agones.dev/fleet=arena", true],
  ["agones.dev/fleet==arena,mode!=team", true],
  ["mode=team", false],
  ["mode!=duel", false],
  ["absent!=x", true],
  ["empty=", true],
  ["mode in (team, duel), agones.dev/fleet notin (race)", true],
  ["mode in (team)", false],
  ["absent in (x)", false],
  ["absent notin (x)", true],
  ["mode notin (duel,team)", false],
  ["mode,!absent", true],
  ["!mode", false],
  ["constructor", false],
])("labelSelector %j: %s", (text, fits) => {
  expect(labelSelector(text)(object)).toBe(fits);
});

it.each(["mode in duel", "a=b=c", "mode in (a", "=x", "a b", "x".repeat(5000)])(
  "labelSelector %j is refused",
  (text) => {
    expect(() => labelSelector(text)).toThrow(SelectorError);
  },
);

it.each([
  ["metadata.name=s1", true],
  ["metadata.name!=s1", false],
  ["metadata.name==s1,metadata.namespace=default", true],
  ["metadata.namespace=east", false],
])("fieldSelector %j: %s", (text, fits) => {
  expect(fieldSelector(text)(object)).toBe(fits);
});

it("selects by no other field", () => {
  expect(() => fieldSelector("status.state=Ready")).toThrow(/"status.state=Ready": only metadata.name/);
});
