/** Who may do what; the controller decides, this only leaves out buttons that it would refuse. */
const MAY = {
  spawn: ["operator", "allocator"],
  endServer: ["operator"],
  drainRegion: ["operator"],
};

/** The few things that somebody who looks on may have to do, each asked about first. */
export class Actions {
  /**
   * @param {import("./api.js").Api} api
   * @param {import("./confirm.js").Confirm} confirm
   * @param {string | undefined} role of the token
   * @param {() => void} onDone what is shown has changed
   */
  constructor(api, confirm, role, onDone) {
    Object.assign(this, { api, confirm, role, onDone });
  }

  may(action) {
    return MAY[action].includes(this.role);
  }

  spawn({ experienceId, region }) {
    // The same key for every try from this dialog: an answer that was lost starts no second server.
    const key = randomKey();
    this.ask(
      {
        title: `Spawn a server of ${experienceId} in ${region}?`,
        words: "It is kept until its first player, for ten minutes at most; then scaling treats it like any other.",
        verb: "Spawn",
      },
      () => this.api.send("POST", "/v1/servers", { body: { experienceId, region }, key }),
    );
  }

  drainServer({ id, players }) {
    this.ask(
      {
        title: `Drain ${id}?`,
        words: `Nobody new comes on. It ends when the ${people(players)} on it have left; who is still there after the time below is moved to another server.`,
        verb: "Drain",
        fields: [{ name: "drain", label: "Seconds", kind: "number", value: 300, min: 1, max: 86_400 }],
      },
      ({ drain }) => this.endServer(id, { drain }),
    );
  }

  stopServer({ id, players }) {
    this.ask(
      {
        title: `Stop ${id}?`,
        words: `The ${people(players)} on it are moved to other servers now, and it ends once they have gone.`,
        verb: "Stop",
        danger: true,
        fields: [{ name: "force", label: "at once, even with players on it: their game breaks off", kind: "check" }],
      },
      ({ force }) => this.endServer(id, { drain: 0, force }),
    );
  }

  drainRegion({ name, players }) {
    this.ask(
      {
        title: `Drain region ${name}?`,
        words: `It takes no new players, and those who wait are told to go elsewhere. The ${people(players)} there are moved to other regions.`,
        verb: "Drain",
        danger: true,
      },
      () => this.api.send("POST", `/v1/regions/${encodeURIComponent(name)}/drain`),
    );
  }

  undrainRegion({ name }) {
    this.ask(
      { title: `Let ${name} take players again?`, words: "New players may be placed there.", verb: "Open" },
      () => this.api.send("DELETE", `/v1/regions/${encodeURIComponent(name)}/drain`),
    );
  }

  endServer(id, query) {
    return this.api.send("DELETE", `/v1/servers/${encodeURIComponent(id)}`, {
      query: { ...query, reason: "from the dashboard" },
    });
  }

  ask(question, deed) {
    this.confirm.ask(question, async (values) => {
      await deed(values);
      this.onDone();
    });
  }
}

function people(count) {
  return count === 1 ? "one player" : `${count} players`;
}

function randomKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
