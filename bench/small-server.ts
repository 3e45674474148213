/** The smallest game server there is: connects, says that it is ready, and beats until it is told to end. */
import { GameServer } from "eustress-forge-sdk/server";

process.once("SIGTERM", () => process.exit(0));

void GameServer.connect().then((forge) => forge.ready());
