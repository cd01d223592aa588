/** Requests under way to each provider, over all that a process sends. */
export function createRequestLimit({ perProviderMax }: { readonly perProviderMax: number }) {
  const taken = new Map<string, number>();
  const count = (provider: string): number => taken.get(provider) ?? 0;

  return {
    /** How many more there may be. What another worker gives back is found by the next look. */
    free: (provider: string): number => perProviderMax - count(provider),
    take: (provider: string): void => void taken.set(provider, count(provider) + 1),
    give: (provider: string): void => void taken.set(provider, count(provider) - 1),
  };
}

export type RequestLimit = ReturnType<typeof createRequestLimit>;
