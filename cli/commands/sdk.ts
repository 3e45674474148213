import { randomBytes } from "node:crypto";
import { InvalidArgumentError } from "commander";
import type { CliContext, Register } from "../context";
import { wholeNumber } from "../numbers";

interface LocalFlags {
  readonly file?: string;
  readonly grpcPort: number;
  readonly httpPort: number;
  readonly token?: string;
  readonly seats: "match" | "reported";
  readonly maxPlayers: number;
  readonly timeout?: number;
}

export const register: Register = (command, context) => {
  command
    .command("local [program...]")
    .description("answer Agones' SDK and Forge's for a server on this desk")
    .option("-f, --file <file>", "a GameServer of Agones, YAML or JSON; followed while it runs")
    .option("--grpc-port <port>", "as Agones' clients look for it", wholeNumber(1, 65_535), 9357)
    .option("--http-port <port>", "the same; Forge's SDK is here too", wholeNumber(1, 65_535), 9358)
    .option("--token <token>", "of Forge's own calls (default: a new one)")
    .option("--seats <how>", "match or reported, as in forge.toml", seats, "match")
    .option("--max-players <n>", "seats that it has", wholeNumber(1, 100_000), 16)
    .option("--timeout <secs>", "end after so long", wholeNumber(1, 86_400))
    .addHelpText(
      "after",
      "\nNo region, no configuration: one server, with what a node's gate and agent would answer it. Behind -- stands the\n" +
        "server's own program, if it is to be started with the environment that it needs; the desk ends with it, and with\n" +
        "its exit code. What the server says is printed, a line each; with --json an object a line, {ready} first. Orders are\n" +
        "typed, such as `allocate ann` or `drain`; help lists them.",
    )
    .action((program: readonly string[], flags: LocalFlags) => local(program, flags, context));
};

async function local(program: readonly string[], flags: LocalFlags, context: CliContext): Promise<void> {
  const { runDesk } = await import("../sdk-local/desk-session");
  const { file, timeout, token = context.options.token ?? randomBytes(18).toString("base64url"), ...rest } = flags;
  context.exitCode = await runDesk({ ...rest, file, token, timeoutSecs: timeout, program }, context);
}

function seats(text: string): "match" | "reported" {
  if (text === "match" || text === "reported") return text;
  throw new InvalidArgumentError("It must be match or reported.");
}
