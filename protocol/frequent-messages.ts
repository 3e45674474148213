/**
 * What comes thousands of times a second, checked by hand: a grant of seats, the answer to one, and the seats of a snapshot,
 * which a new leader waits for. A yes means that the schema would take the message as it is, with no key that it would drop; it costs a tenth of asking the
 * schema. A no means nothing: the schema is asked, and says what is wrong.
 */

type Parsed = Readonly<Record<string, unknown>>;

const ID_MOST = 256;

/** `{type: "request", body: {kind: "grant"}}`, without saved states. */
export function isPlainGrant(message: Parsed): boolean {
  const { body } = message;
  return (
    isObject(body) &&
    body["kind"] === "grant" &&
    keys(message) === 4 &&
    isCount(message["id"]) &&
    isCount(message["epoch"]) &&
    keys(body) === 5 &&
    isId(body["serverId"]) &&
    isId(body["allocationId"]) &&
    isAmount(body["leaseMs"]) &&
    all(body["seats"], isPlainSeat)
  );
}

function isPlainSeat(seat: unknown): boolean {
  return (
    isObject(seat) &&
    keys(seat) === 4 &&
    isId(seat["sessionId"]) &&
    isId(seat["playerId"]) &&
    isCount(seat["generation"]) &&
    isPlainCarry(seat["carry"])
  );
}

function isPlainCarry(carry: unknown): boolean {
  return (
    isObject(carry) &&
    keys(carry) === ("matchId" in carry ? 7 : 6) &&
    (carry["matchId"] === undefined || isText(carry["matchId"])) &&
    isText(carry["experienceId"]) &&
    isText(carry["version"]) &&
    all(carry["mods"], isText) &&
    all(carry["party"], isText) &&
    isLatencies(carry["latencies"]) &&
    isAmount(carry["connectedAtMs"])
  );
}

function isLatencies(latencies: unknown): boolean {
  if (!isObject(latencies)) return false;
  for (const region in latencies) if (region === "__proto__" || !Number.isFinite(latencies[region])) return false;
  return true;
}

/** `{type: "ack", ok: true}`, with seats and without counts. */
export function isPlainAck(message: Parsed): boolean {
  return (
    message["ok"] === true &&
    keys(message) === ("free" in message ? 6 : 5) &&
    (message["free"] === undefined || Number.isSafeInteger(message["free"])) &&
    isCount(message["id"]) &&
    isCount(message["epoch"]) &&
    all(message["seats"], isPlainGrantedSeat)
  );
}

function isPlainGrantedSeat(seat: unknown): boolean {
  return (
    isObject(seat) &&
    keys(seat) === 5 &&
    isId(seat["sessionId"]) &&
    isId(seat["playerId"]) &&
    isCount(seat["generation"]) &&
    isText(seat["ticket"]) &&
    isAmount(seat["leaseExpiresAtMs"])
  );
}

/** The seats that a snapshot tells of one server. */
export function arePlainSeatReports(seats: unknown): boolean {
  return all(seats, isPlainSeatReport);
}

function isPlainSeatReport(seat: unknown): boolean {
  if (!isObject(seat)) return false;
  const { joinedAtMs, leaseExpiresAtMs } = seat;
  return (
    keys(seat) === 6 + ("joinedAtMs" in seat ? 1 : 0) + ("leaseExpiresAtMs" in seat ? 1 : 0) &&
    isId(seat["sessionId"]) &&
    isId(seat["playerId"]) &&
    isCount(seat["generation"]) &&
    typeof seat["joined"] === "boolean" &&
    isAmount(seat["grantedAtMs"]) &&
    (joinedAtMs === undefined || isAmount(joinedAtMs)) &&
    (leaseExpiresAtMs === undefined || isAmount(leaseExpiresAtMs)) &&
    isPlainCarry(seat["carry"])
  );
}

function isObject(value: unknown): value is Parsed {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** How many keys it has itself: what JSON made inherits none. */
function keys(value: Parsed): number {
  let count = 0;
  for (const _ in value) count++;
  return count;
}

function all(values: unknown, test: (value: unknown) => boolean): boolean {
  return Array.isArray(values) && values.every(test);
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

function isId(value: unknown): boolean {
  return typeof value === "string" && value.length > 0 && value.length <= ID_MOST;
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isAmount(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && value < Infinity;
}
