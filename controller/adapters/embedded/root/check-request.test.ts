import fc from "fast-check";
import { lineSplitter, MAX_LINE_BYTES } from "../root-protocol";
import { checkRequest, MalformedRequest, readFrame } from "./check-request";
import { specOf, taskOf } from "./fake-launcher";

const check = (request: unknown) => checkRequest(readFrame(JSON.stringify(request)).fields);
const spec = specOf();
const [task] = spec.tasks;

describe("a request", () => {
  it.each([
    { op: "hello", secret: "s", protocol: 1 },
    { op: "spawn", spec: specOf({ claims: ["port:1"], tasks: [taskOf("a"), taskOf("b")] }) },
    {
      op: "spawn",
      spec: specOf({ stop: { command: { command: "/bin/x", args: ["y"] }, signal: "SIGINT", graceSecs: 0 } }),
    },
    { op: "signal", id: "a", signal: "SIGHUP" },
    { op: "stop", id: "a-b.c_d", graceSecs: 1.5 },
    { op: "list" },
    { op: "forget", id: "a" },
    { op: "shutdown", graceSecs: 3 },
  ])("$op is read as it was written", (request) => {
    expect(check({ n: 7, ...request })).toEqual(request);
  });

  it.each([
    [{ op: "destroy" }, 'op: "destroy" is none of hello'],
    [{ op: "stop", id: "../../etc", graceSecs: 1 }, 'id: "../../etc" is not'],
    [{ op: "stop", id: "a", graceSecs: -1 }, "graceSecs: -1 is not a number from 0"],
    [{ op: "stop", id: "a", graceSecs: "1" }, 'graceSecs: "1"'],
    [{ op: "signal", id: "a", signal: "9" }, 'signal: "9" is not a signal'],
    [{ op: "spawn" }, "spec: nothing is not an object"],
    [{ op: "spawn", spec: { ...spec, tasks: [] } }, "spec.tasks: 0 tasks"],
    [{ op: "spawn", spec: { ...spec, tasks: [task, task] } }, "same name"],
    [{ op: "spawn", spec: { ...spec, tasks: [{ ...task, command: "node" }] } }, "spec.tasks[0].command"],
    [{ op: "spawn", spec: { ...spec, tasks: [{ ...task, args: [1] }] } }, "spec.tasks[0].args[0]: 1"],
    [{ op: "spawn", spec: { ...spec, tasks: [{ ...task, env: { A: "x\0y" } }] } }, "spec.tasks[0].env.A"],
    [{ op: "spawn", spec: { ...spec, tasks: [{ ...task, name: "a/b" }] } }, "spec.tasks[0].name"],
    [{ op: "spawn", spec: { ...spec, logDir: "logs" } }, "spec.logDir"],
    [{ op: "spawn", spec: { ...spec, restart: "sometimes" } }, "none of always, never"],
    [{ op: "spawn", spec: { ...spec, record: "x".repeat(70_000) } }, "spec.record: longer"],
  ])("%j is refused by place and value", (request, message) => {
    expect(() => check(request)).toThrow(MalformedRequest);
    expect(() => check(request)).toThrow(message);
  });

  it("of any other shape is refused and nothing worse", () => {
    const ops = fc.constantFrom("hello", "spawn", "signal", "stop", "list", "forget", "shutdown");
    fc.assert(
      fc.property(fc.jsonValue(), fc.option(ops), (value, op) => {
        const request = op === null ? value : { ...(typeof value === "object" ? value : {}), op };
        try {
          check(request);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedRequest);
        }
      }),
    );
  });

  it("keeps its number when it is refused", () => {
    expect(readFrame('{"n": 12, "op": "?"}').n).toBe(12);
    expect(() => readFrame("{")).toThrow("not JSON");
  });
});

describe("lines", () => {
  it("are the same however the bytes arrive", () => {
    const lines = fc.array(fc.string().map((text) => text.replaceAll("\n", "")));
    fc.assert(
      fc.property(lines, fc.array(fc.integer({ min: 1, max: 9 })), (sent, sizes) => {
        const bytes = Buffer.from(sent.map((line) => `${line}\n`).join(""));
        const got: string[] = [];
        const take = lineSplitter(
          (line) => got.push(line),
          () => {},
        );
        for (let at = 0, i = 0; at < bytes.length; i += 1) {
          const size = sizes[i] ?? bytes.length;
          take(bytes.subarray(at, at + size));
          at += size;
        }
        expect(got).toEqual(sent.map((line) => Buffer.from(line).toString()));
      }),
    );
  });

  it("that never end are told once, and cost no memory", () => {
    let tooLong = 0;
    const take = lineSplitter(
      () => {},
      () => (tooLong += 1),
    );
    for (let sent = 0; sent <= MAX_LINE_BYTES; sent += 65_536) take(Buffer.alloc(65_536, 120));
    expect(tooLong).toBe(1);
  });
});
