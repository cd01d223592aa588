import * as v from "valibot";
import { ChatError } from "../../error.ts";
import { baseUrlOf } from "./base-url.ts";

/** A service account of Google's, as far as it takes to prove to be it. */
export type ServiceAccount = {
  readonly projectId: string;
  readonly email: string;
  /** PKCS #8 (RFC 5208) as PEM. */
  readonly privateKey: string;
  /** The name of the key, where the account has one. */
  readonly keyId: string | undefined;
  /** The URL of access tokens, and the audience of an assertion. */
  readonly tokenUri: string;
};

const pem = /^-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END PRIVATE KEY-----\s*$/;
/** `SEQUENCE { rsaEncryption, NULL }`: what PKCS #8 calls an RSA key (RFC 8017 appendix A.1). */
const rsaKey = String.fromCharCode(6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1);

const schema = v.looseObject({
  type: v.literal("service_account"),
  project_id: v.pipe(v.string(), v.regex(/^[a-z0-9.:-]{1,100}$/)),
  client_email: v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,320}$/)),
  private_key: v.pipe(
    v.string(),
    // Shells and dashboards that store the key as a variable of its own often write its line breaks out.
    v.transform((text) => text.replaceAll("\\n", "\n")),
    v.check(isRsaKey),
  ),
  private_key_id: v.optional(v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,200}$/))),
  token_uri: v.optional(v.string(), "https://oauth2.googleapis.com/token"),
});

const expected: Readonly<Record<string, string>> = {
  type: 'must be "service_account": take the JSON of a service account, not that of an app',
  project_id: "must be the id of a project",
  client_email: "must be the account's address",
  private_key: "must be a whole RSA key in PEM, from BEGIN PRIVATE KEY to END PRIVATE KEY",
  private_key_id: "must be the name of the key",
  token_uri: "must be a URL",
};

/**
 * Reads a service account, as the console exports it.
 *
 * @param account The parsed object, or its JSON.
 * @throws ChatError `config_invalid`; the text names the wrong field, and never repeats a value.
 */
export function readServiceAccount(account: unknown): ServiceAccount {
  const result = v.safeParse(schema, typeof account === "string" ? parse(account) : account);
  if (!result.success) {
    const name = v.getDotPath(result.issues[0]) ?? "";
    const fault = expected[name] === undefined ? "" : `: ${name} ${expected[name]}`;
    // Without its cause: the texts of parsers repeat the input.
    throw new ChatError("config_invalid", `The service account is unusable${fault}`);
  }
  const { project_id, client_email, private_key, private_key_id, token_uri } = result.output;
  return {
    projectId: project_id,
    email: client_email,
    privateKey: private_key,
    keyId: private_key_id,
    tokenUri: baseUrlOf(token_uri, "The service account's token_uri"),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ChatError("config_invalid", "The service account is not JSON: give the text of the file, not its name");
  }
}

/** Whether it is one whole RSA key, so that a cut or a foreign one is found at once and not with the first notice. */
function isRsaKey(text: string): boolean {
  const [, base64 = ""] = pem.exec(text.trim()) ?? [];
  try {
    const der = atob(base64.replace(/\s/g, ""));
    // A sequence with a length of two bytes, which is that of the rest (X.690 section 8.1.3).
    const [tag, form, high = 0, low = 0] = Array.from(der.slice(0, 4), (char) => char.charCodeAt(0));
    return tag === 0x30 && form === 0x82 && high * 256 + low === der.length - 4 && der.slice(0, 32).includes(rsaKey);
  } catch {
    return false;
  }
}
