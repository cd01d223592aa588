import { expect, test } from "bun:test";
import * as v from "valibot";
import { authFaults, authOf, authVariables, isHost } from "../../src/standalone/config-auth.ts";

const demo = { AUTH: "demo", AUTH_DEMO_ANYWHERE: "0", HOST: "127.0.0.1" };
const secret = "a secret of thirty-two bytes, or more";
const jwt = { ...demo, AUTH: "jwt", JWT_SECRET: secret };
const faultsOf = (env: Parameters<typeof authFaults>[0]) => authFaults(env).map(([name]) => name);

test("C5 the demo is for this machine, unless it is allowed anywhere", () => {
  for (const HOST of ["127.0.0.1", "localhost", "::1"]) expect([HOST, faultsOf({ ...demo, HOST })]).toEqual([HOST, []]);
  for (const HOST of ["0.0.0.0", "::", "chat.example"]) {
    expect([HOST, faultsOf({ ...demo, HOST })]).toEqual([HOST, ["HOST"]]);
    expect(faultsOf({ ...demo, HOST, AUTH_DEMO_ANYWHERE: "1" })).toEqual([]);
    expect(faultsOf({ ...jwt, HOST })).toEqual([]);
  }
  // A host that is malformed has its own fault.
  expect(faultsOf({ ...demo, HOST: "a b" })).toEqual([]);
});

test("C6 tokens are checked by exactly one of secret and address, and not in the demo", () => {
  const JWKS_URL = "https://id.example/jwks";
  expect([faultsOf(jwt), faultsOf({ ...jwt, JWT_SECRET: undefined, JWKS_URL })]).toEqual([[], []]);
  expect(faultsOf({ ...jwt, JWT_SECRET: undefined })).toEqual(["JWT_SECRET"]);
  expect(faultsOf({ ...jwt, JWKS_URL })).toEqual(["JWKS_URL"]);
  expect(faultsOf({ ...demo, JWT_SECRET: secret, JWKS_URL })).toEqual(["JWT_SECRET", "JWKS_URL"]);
  expect(faultsOf({ ...demo, AUTH: "none", JWT_SECRET: secret })).toEqual([]);
});

test("A23 the claims of user and tenant are two", () => {
  expect(faultsOf({ ...jwt, JWT_USER_CLAIM: "tenant" })).toEqual(["JWT_USER_CLAIM"]);
  expect(faultsOf({ ...jwt, JWT_TENANT_CLAIM: "sub" })).toEqual(["JWT_TENANT_CLAIM"]);
  expect(faultsOf({ ...jwt, JWT_USER_CLAIM: "a", JWT_TENANT_CLAIM: "a" })).toEqual(["JWT_TENANT_CLAIM"]);
  expect(faultsOf({ ...jwt, JWT_USER_CLAIM: "tenant", JWT_TENANT_CLAIM: "sub" })).toEqual([]);
});

test("C8 the configuration has what was set, typed", () => {
  expect([authOf(demo), authOf({ ...demo, AUTH_DEMO_ANYWHERE: "1" })]).toEqual([
    { kind: "demo", anywhere: false },
    { kind: "demo", anywhere: true },
  ]);
  expect(authOf(jwt)).toEqual({ kind: "jwt", secret });
  expect(authOf({ ...jwt, JWT_ISSUER: "i", JWT_COOKIE: "c", JWT_USER_CLAIM: "u", JWT_CLOCK_TOLERANCE_S: "5" })).toEqual(
    {
      ...{ kind: "jwt", secret, issuer: "i", cookie: "c", userClaim: "u", clockToleranceSeconds: 5 },
    },
  );
});

test("C7 each variable is within its bounds", () => {
  const fits = (name: keyof typeof authVariables, text: string) => v.is(authVariables[name], text);
  expect([
    fits("JWT_SECRET", "x".repeat(32)),
    fits("JWT_SECRET", "x".repeat(31)),
    fits("JWT_SECRET", "é".repeat(16)),
  ]).toEqual([true, false, true]);
  expect([fits("JWT_CLOCK_TOLERANCE_S", "5"), fits("JWT_CLOCK_TOLERANCE_S", "6")]).toEqual([true, false]);
  // It says how a token is checked, and names no user.
  expect([fits("JWT_USER_CLAIM", "email"), fits("JWT_USER_CLAIM", "exp")]).toEqual([true, false]);
  expect([fits("AUTH", "oauth"), fits("JWT_COOKIE", "a b"), fits("JWKS_URL", "http://id.example")]).toEqual([
    false,
    false,
    false,
  ]);
  for (const host of ["a.example", "10.0.0.1", "::1"]) expect([host, isHost(host)]).toEqual([host, true]);
  for (const host of ["", "a b", "a:80", "[::1]", "a/b", "::g", "x".repeat(254)])
    expect([host, isHost(host)]).toEqual([host, false]);
});
