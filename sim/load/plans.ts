import type { LoadPlan } from "./load";

const SHARED = { nodes: 20, seatsPerServer: 64, maxServers: 1000, queueLimit: 10_000, playMs: 900_000 };

/** What is asked of Forge with a million players; other numbers keep the shape where servers and seats do not have to grow with them. */
export const PLANS = {
  /** Each comes three times in 24 hours. */
  day: (players) => ({ ...SHARED, players, visits: 3, withinMs: 86_400_000, daily: true }),
  /** All want in within a minute; there are 64,000 seats. */
  crowd: (players) => ({ ...SHARED, players, withinMs: 60_000 }),
  /** All are on at once: they come within five minutes, to servers that are up, and whoever leaves in the first hour comes back. */
  hour: (players) => {
    const servers = Math.ceil((players * 1.02) / SHARED.seatsPerServer);
    const size = { nodes: Math.ceil(servers / 80), minServers: servers, maxServers: servers };
    return { ...SHARED, ...size, players, withinMs: 300_000, playMs: 1_800_000, backUntilMs: 3_600_000 };
  },
} satisfies Record<string, (players: number) => LoadPlan>;

export type PlanName = keyof typeof PLANS;
