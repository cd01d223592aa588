/** Counts the requests under way to each provider, over all databases of a process. */
export type RequestLimit = {
  /** How many further requests may begin. A queue notices at its next look that another one has released some. */
  free(provider: string): number;
  take(provider: string): void;
  give(provider: string): void;
};

export function createRequestLimit({ perProviderMax }: { readonly perProviderMax: number }): RequestLimit {
  const taken = new Map<string, number>();
  const count = (provider: string): number => taken.get(provider) ?? 0;

  return {
    free: (provider) => perProviderMax - count(provider),
    take: (provider) => void taken.set(provider, count(provider) + 1),
    give: (provider) => void taken.set(provider, count(provider) - 1),
  };
}
