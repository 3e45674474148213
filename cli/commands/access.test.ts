import { rmSync } from "node:fs";
import { RunDouble } from "../../test/double/run-double";
import { useRunDouble } from "../../test/double/use-run-double";
import { runForTest } from "../cli-under-test";
import { writeRunFile } from "../run-file";

const here = useRunDouble("us-east", "eu-west");
const { forge } = here;

describe("forge token", () => {
  it("makes any role where the run is, and the API takes it", async () => {
    const { out, code } = await forge(
      "token",
      "--role",
      "operator",
      "--sub",
      "me",
      "--regions",
      "us-east",
      "--expires",
      "60",
    );
    expect(code).toBe(0);
    const token = out.trim();
    expect((await forge("ps", "--token", token, "--region", "us-east")).code).toBe(0);
    expect((await forge("ps", "--token", token, "--region", "eu-west")).code).toBe(4);
  });

  it("asks a controller where only a token is at hand, which makes lesser ones", async () => {
    const addr = here.run.region().url;
    const env = { FORGE_ADDR: addr, FORGE_TOKEN: here.run.token("operator") };
    const made = await runForTest(["token", "--role", "player", "--sub", "ann", "--json"], { cwd: "/", env });
    expect(made.json).toMatchObject({ role: "player", sub: "ann", regions: ["*"] });
    expect(await runForTest(["token", "--role", "operator"], { cwd: "/", env })).toMatchObject({ code: 4, out: "" });
  });

  it.each([
    [["--role", "king"], 2],
    [["--role", "player"], 2],
    [["--expires", "7200"], 2],
    [["--regions", "mars"], 5],
  ])("refuses %j", async (args, code) => {
    expect(await forge("token", ...args)).toMatchObject({ code, out: "" });
  });
});

describe("finding the run", () => {
  it("goes on to another region's controller where the first is away", async () => {
    const other = await RunDouble.start(["a", "b"]);
    try {
      await other.region("a").app.close();
      const { code, out } = await runForTest(["ps", "--regions"], { cwd: other.folder });
      expect(code).toBe(0);
      expect(out).toMatch(/^a +down/m);
      expect(out).toMatch(/^b +up/m);
    } finally {
      await other.close();
    }
  });

  it("says that the run has ended where nothing answers", async () => {
    const other = await RunDouble.start();
    const file = other.file({ pid: 2 ** 22 + 1 });
    await other.close();
    writeRunFile(other.folder, file);
    const { code, err } = await runForTest(["ps"], { cwd: other.folder });
    rmSync(other.folder, { recursive: true });
    expect(code).toBe(3);
    expect(err).toMatch(
      /connection refused[^]*that run \(.forge\/run.json, process 4194305\) has ended; start one with `forge up`/,
    );
  });

  it.each([
    ["no run", [], 3, "noRun"],
    ["an address that is none", ["--addr", "localhost:7700"], 2, "address"],
    ["a controller that wants a token", ["--addr", "URL"], 4, "credentialsMissing"],
    ["a token that is none", ["--addr", "URL", "--token", "x"], 4, "tokenMalformed"],
    ["a viewer who may not", ["--addr", "URL", "--token", "VIEWER", "stop", "srv-us-east-1"], 4, "roleNotAllowed"],
  ])("%s: exit code and problem", async (_what, args, code, problem) => {
    const filled = args.map((arg) =>
      arg.replace("URL", here.run.region().url).replace("VIEWER", here.run.token("viewer")),
    );
    const command = filled.includes("stop") ? [] : ["ps"];
    const result = await runForTest([...filled, ...command, "--json"], { cwd: "/" });
    expect(result).toMatchObject({ code, out: "" });
    expect(JSON.parse(result.err)).toMatchObject({
      code: problem,
      exitCode: code,
      detail: expect.any(String),
      fix: expect.any(String),
    });
  });
});
