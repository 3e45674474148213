import { describeLimits } from "../../controller/adapters/embedded/limits";
import { startEmbedded } from "./embedded-run";
import { describeEngine } from "./engine-contract";

const { memory, detail } = describeLimits();

describeEngine("embedded", startEmbedded, { memoryLimit: memory ? true : detail });
