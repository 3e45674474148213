import { describeLimits } from "../../controller/adapters/embedded/limits";
import { startEmbedded } from "./embedded-run";
import { describeEngine } from "./engine-contract";

const { memory, detail } = describeLimits();

describeEngine("embedded", startEmbedded, {
  memoryLimit: memory ? true : detail,
  stopCommand: true,
  foreignPorts: true,
  unknownReference: "${NOMAD_NO_SUCH_THING}",
  tellsPids: true,
});
