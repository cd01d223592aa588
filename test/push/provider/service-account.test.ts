import { expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { ChatError } from "../../../src/error.ts";
import { readServiceAccount } from "../../../src/push/provider/service-account.ts";

const encoding = { type: "pkcs8", format: "pem" } as const;
const privateKey = generateKeyPairSync("rsa", { modulusLength: 1_024 }).privateKey.export(encoding).toString();
const ellipticKey = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export(encoding).toString();
const account = {
  type: "service_account",
  project_id: "my-project",
  client_email: "push@my-project.iam.gserviceaccount.com",
  private_key: privateKey,
};

test("U14 an account is read as an object and as its JSON, with Google's address of tokens as default", () => {
  const read = {
    projectId: "my-project",
    email: account.client_email,
    privateKey,
    keyId: undefined,
    tokenUri: "https://oauth2.googleapis.com/token",
  };
  expect(readServiceAccount(account)).toEqual(read);
  expect(readServiceAccount(JSON.stringify(account))).toEqual(read);
  const own = { ...account, private_key_id: "k1", token_uri: "https://tokens.example/token", universe_domain: "x" };
  expect(readServiceAccount(own)).toMatchObject({ keyId: "k1", tokenUri: "https://tokens.example/token" });
});

test("U14 a key with its line breaks written out is a key", () => {
  const written = { ...account, private_key: privateKey.replaceAll("\n", "\\n") };
  expect(readServiceAccount(written).privateKey).toBe(privateKey);
});

test("U14 X5 an account that is wrong is refused with the name of its field, and without its value", () => {
  const cut = privateKey.split("\n").toSpliced(3, 1).join("\n");
  for (const [fields, name] of [
    [{ type: "authorized_user" }, "type"],
    [{ project_id: "My project" }, "project_id"],
    [{ client_email: "a b" }, "client_email"],
    [{ private_key: "hunter2" }, "private_key"],
    [{ private_key: cut }, "private_key"],
    [{ private_key: ellipticKey }, "private_key"],
    [{ private_key: undefined }, "private_key"],
    [{ private_key_id: "" }, "private_key_id"],
  ] as const) {
    let refused: unknown;
    try {
      readServiceAccount({ ...account, ...fields });
    } catch (error) {
      refused = error;
    }
    if (!(refused instanceof ChatError)) throw new Error(`${name} was not refused`);
    expect([refused.code, refused.message]).toEqual(["config_invalid", expect.stringContaining(`: ${name} must`)]);
    expect(Bun.inspect(refused)).not.toContain("hunter2");
  }
  expect(() => readServiceAccount({ ...account, token_uri: "http://tokens.example/" })).toThrow("token_uri");
  expect(() => readServiceAccount("/etc/account.json")).toThrow("is not JSON");
  expect(() => readServiceAccount(null)).toThrow("is unusable");
});
