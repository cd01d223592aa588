/** The part of `fetch` that a provider needs. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** The runtime's `fetch`, looked up at each call. */
// oxlint-disable-next-line no-restricted-globals -- The default of a parameter: tests and hosts hand in their own.
export const systemFetch: Fetch = (url, init) => globalThis.fetch(url, init);
