/**
 * The physics of one arena: a task beside its server (`per = "server"`), reached over the allocation's loopback on the
 * port `physics`. One line of JSON in, one out, for each tick. It holds nothing that outlives its connection.
 */
import { createServer } from "node:net";
import { forgePort } from "eustress-forge-sdk/server";
import { readLines, writeLine } from "../lines";
import { readStepRequest, Simulation } from "./simulation";

const MAX_LINE = 64 * 1024;

const listener = createServer({ noDelay: true }, (socket) => {
  const simulation = new Simulation();
  readLines(socket, MAX_LINE, (value) => {
    const request = readStepRequest(value);
    if (request === undefined) socket.destroy(new Error("a line that is no step"));
    else writeLine(socket, simulation.step(request));
  });
  socket.on("error", (error) => console.error(`arena physics: the server's connection: ${error.message}`));
});

listener.on("error", (error) => {
  console.error(`arena physics: cannot listen: ${error.message}`);
  process.exit(1);
});

const port = forgePort(process.env, "physics");
listener.listen(port, "127.0.0.1", () =>
  console.log(`arena physics on 127.0.0.1:${(listener.address() as { port: number }).port}`),
);

for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => process.exit(0));
