import { PlayerClient, type Place } from "eustress-forge-sdk/player";

/** Plays until the session is over, on whichever server it is. `playOn` resolves when a connection ended. */
export async function playArena(
  url: string,
  token: string,
  playOn: (place: Place) => Promise<{ moved: boolean }>,
): Promise<string> {
  const player = new PlayerClient({ url, token });
  let place: Place = await player.connect({
    playerId: "ann",
    experienceId: "arena",
    onQueued: ({ position }) => console.log(`number ${position} in the queue`),
  });
  for (;;) {
    const { moved } = await playOn(place);
    const next = await player.follow({ moved });
    if (next.kind === "ended" || next.kind === "unknown") return next.reason;
    place = next.place;
  }
}
