import type { AnyRoute } from "./route";
import { agonesAllocationRoutes } from "./routes/agones-allocations";
import { allocationRoutes } from "./routes/allocations";
import { auditRoutes } from "./routes/audit";
import { decisionRoutes } from "./routes/decisions";
import { eventRoutes } from "./routes/events";
import { fleetRoutes } from "./routes/fleets";
import { kubernetesRoutes } from "./routes/kubernetes";
import { metaRoutes } from "./routes/meta";
import { queueRoutes } from "./routes/queue";
import { regionRoutes } from "./routes/regions";
import { serverLogRoutes } from "./routes/server-logs";
import { serverSessionRoutes } from "./routes/server-sessions";
import { serverRoutes } from "./routes/servers";
import { sessionRoutes } from "./routes/sessions";
import { shiftRoutes } from "./routes/shift";
import { tokenRoutes } from "./routes/tokens";

/** Every call of the API, in the order of the contract. */
export const ROUTES: readonly AnyRoute[] = [
  ...serverRoutes,
  ...serverLogRoutes,
  ...serverSessionRoutes,
  ...sessionRoutes,
  ...queueRoutes,
  ...allocationRoutes,
  ...agonesAllocationRoutes,
  ...kubernetesRoutes,
  ...fleetRoutes,
  ...regionRoutes,
  ...shiftRoutes,
  ...eventRoutes,
  ...decisionRoutes,
  ...auditRoutes,
  ...tokenRoutes,
  ...metaRoutes,
];
