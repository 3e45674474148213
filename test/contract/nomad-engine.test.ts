import { findPart } from "../cluster/real-parts";
import { skipUnless } from "../skips";
import { describeEngine } from "./engine-contract";
import { startNomad } from "./nomad-run";

const nomad = findPart("nomad");
const isRoot = process.getuid?.() === 0;

skipUnless(
  "the engine contract on Nomad",
  "nomad is neither on PATH nor in Forge's cache, or this is not root",
  nomad !== undefined && isRoot,
)("on a real Nomad", () => {
  jest.setTimeout(60_000);
  describeEngine("nomad", () => startNomad(nomad ?? ""), {
    memoryLimit: "raw_exec, which these servers run by, enforces none; exec and docker do",
    stopCommand: "Nomad ends tasks by signal alone",
    foreignPorts: "Nomad knows only the ports that it gave itself: such a server starts and fails by itself",
    // What `driverText` makes of it; Nomad's client fails a task at a reference that it does not know.
    unknownReference: "$${NOMAD_NO_SUCH_THING}",
    tellsPids: false,
  });
});
