/**
 * Nomad and Consul let their first token be made once. A later try is answered with an index; whoever may write that
 * number into the server's data folder may try again.
 */
export function resetIndexIn(text: string): string | undefined {
  return /reset index: (\d+)/.exec(text)?.[1];
}
