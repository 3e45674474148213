import type { Socket } from "node:net";

/**
 * Newline-delimited JSON over a socket: calls `onValue` for each line. A line that is no JSON, or longer than
 * `maxLine` characters, destroys the socket with an error that says so.
 */
export function readLines(socket: Socket, maxLine: number, onValue: (value: unknown) => void): void {
  let rest = "";
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      let value: unknown;
      try {
        value = JSON.parse(line);
      } catch {
        socket.destroy(new Error(`a line that is no JSON: ${line.slice(0, 80)}`));
        return;
      }
      onValue(value);
    }
    if (rest.length > maxLine) socket.destroy(new Error(`a line over ${maxLine} characters`));
  });
}

/** Sends one value as a line. A peer that reads too slowly loses the connection rather than our memory. */
export function writeLine(socket: Socket, value: unknown): void {
  if (socket.destroyed || socket.writableEnded) return;
  if (socket.writableLength > 1024 * 1024) {
    socket.destroy(new Error("the other side does not read: 1 MiB is waiting"));
    return;
  }
  socket.write(`${JSON.stringify(value)}\n`);
}
