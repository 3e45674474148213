/** What a program under test says: looked into by the test, trusted by nobody. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Loose = any;

export type LooseRecord = Readonly<Record<string, Loose>>;
