import { expect, test } from "bun:test";
import { exportJWK, generateKeyPair } from "jose";
import { createIssuerKeys } from "../../src/access/issuer-keys.ts";
import { systemRandom } from "../../src/internal/random.ts";
import { fakeClock } from "../support/fake-clock.ts";

const jwk = { ...(await exportJWK((await generateKeyPair("EdDSA", { extractable: true })).publicKey)), alg: "EdDSA" };
const other = { ...(await exportJWK((await generateKeyPair("ES256", { extractable: true })).publicKey)), alg: "ES256" };
const setOf = (...kids: string[]) => ({ keys: kids.map((kid) => ({ ...jwk, kid })) });
const minute = 60_000;

/** Keys of an issuer that publishes what the test sets. */
function start() {
  const clock = fakeClock(0);
  const issuer = { published: setOf("k1") as unknown, status: 200, fetches: 0, isSilent: false };
  const keys = createIssuerKeys({
    ...{ jwksUrl: "https://id.example/jwks", clock, random: systemRandom },
    async fetch(_address, { signal }) {
      issuer.fetches++;
      if (issuer.isSilent)
        await new Promise((_resolve, reject) =>
          signal?.addEventListener("abort", () => reject(signal.reason as Error)),
        );
      return new Response(JSON.stringify(issuer.published), { status: issuer.status });
    },
  });
  /** "found", or why there is no key for a token with this `kid`. */
  const ask = async (kid?: string): Promise<string> =>
    await Promise.resolve(
      keys.keyOf({ alg: "EdDSA", ...(kid !== undefined && { kid }) }, { payload: "", signature: "" }),
    ).then(
      () => "found",
      (error: unknown) => (error instanceof Error && "code" in error ? String(error.code) : "error"),
    );
  return { clock, issuer, keys, ask };
}
const noMatch = "ERR_JWKS_NO_MATCHING_KEY";

test("A27 an address that is neither https nor of this machine is refused", () => {
  for (const jwksUrl of ["http://id.example/jwks", "file:///jwks", "jwks"])
    expect(() => createIssuerKeys({ jwksUrl, clock: fakeClock(), random: systemRandom })).toThrow(
      "The address of the keys",
    );
});

test("A34 keys are fetched once for all who need them, and again after ten minutes", async () => {
  const { clock, issuer, ask } = start();
  expect(await Promise.all([ask("k1"), ask("k1"), ask()])).toEqual(["found", "found", "found"]);
  expect(issuer.fetches).toBe(1);
  await clock.advance(10 * minute - 1);
  await ask("k1");
  expect(issuer.fetches).toBe(1);
  await clock.advance(1);
  issuer.published = setOf("k2");
  // A key that was withdrawn is used no longer.
  expect([await ask("k1"), await ask("k2"), issuer.fetches]).toEqual([noMatch, "found", 2]);
});

test("A35 an unknown key makes a new fetch, at most one in five seconds; until then it is unavailable", async () => {
  const { clock, issuer, ask } = start();
  await ask("k1");
  expect([await ask("k9"), issuer.fetches]).toEqual(["unavailable", 1]);
  await clock.advance(5_000);
  expect([await ask("k9"), issuer.fetches]).toEqual([noMatch, 2]);
  await clock.advance(5_000);
  issuer.published = setOf("k1", "k9");
  expect([await ask("k9"), issuer.fetches]).toEqual(["found", 3]);
});

test("A34 while the issuer is away its keys are used for an hour, and it is asked with backoff", async () => {
  const { clock, issuer, ask } = start();
  await ask("k1");
  issuer.status = 503;
  await clock.advance(10 * minute);
  expect([await ask("k1"), await ask("k1"), issuer.fetches]).toEqual(["found", "found", 2]);
  await clock.advance(50 * minute - 1);
  expect(await ask("k1")).toBe("found");
  await clock.advance(1);
  expect([await ask("k1"), await ask("k1")]).toEqual(["unavailable", "unavailable"]);
  const before = issuer.fetches;
  issuer.status = 200;
  await clock.advance(30_000);
  expect([await ask("k1"), issuer.fetches]).toEqual(["found", before + 1]);
});

test("A26 what is no set of keys, and an answer that does not come, are the issuer's fault", async () => {
  for (const published of [null, [], {}, { keys: {} }, { keys: ["k"] }, { keys: [null] }, { keys: [[]] }]) {
    const { issuer, ask } = start();
    issuer.published = published;
    expect([published, await ask("k1")]).toEqual([published, "unavailable"]);
  }
  const { clock, issuer, ask } = start();
  issuer.isSilent = true;
  const asked = ask("k1");
  await clock.advance(5_000);
  expect(await asked).toBe("unavailable");
});

test("A21 a token without `kid` needs a set of one key", async () => {
  const { issuer, ask } = start();
  issuer.published = setOf("k1", "k2");
  expect([await ask("k1"), await ask()]).toEqual(["found", "ERR_JWKS_MULTIPLE_MATCHING_KEYS"]);
  // The token's own algorithm must not choose between them.
  const mixed = start();
  mixed.issuer.published = {
    keys: [
      { ...jwk, kid: "k1" },
      { ...other, kid: "k2" },
    ],
  };
  expect([await mixed.ask("k1"), await mixed.ask()]).toEqual(["found", noMatch]);
});

test("A35 keys are renewed for a caller that holds the present ones, and not twice at once", async () => {
  const { clock, issuer, keys, ask } = start();
  await ask("k1");
  const held = keys.held();
  expect([await keys.renew(held), issuer.fetches]).toEqual([false, 1]);
  await clock.advance(5_000);
  expect([await keys.renew(held), await keys.renew(held), issuer.fetches]).toEqual([true, true, 2]);
});
