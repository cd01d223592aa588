/** As much of `fetch` as a provider needs. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** The runtime's own, as it is when it is called. */
// oxlint-disable-next-line no-restricted-globals -- The default of a parameter: tests and hosts hand in their own.
export const systemFetch: Fetch = (url, init) => globalThis.fetch(url, init);
