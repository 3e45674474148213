import { version } from "../package.json";

/** Of this Forge: what the API and the agents are told. */
export const VERSION: string = version;
