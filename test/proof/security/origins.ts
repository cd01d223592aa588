import type { RunningServer } from "../../support/server.ts";
import { knock } from "./target.ts";

/** The probed server's own origin, and the one other site that it trusts. */
export const ownHost = "chat.example";
export const trustedOrigin = "https://app.example";

/** Origins that no trusted page sends, and that a careless comparison lets in. */
export const foreignOrigins: readonly string[] = [
  ...["null", "", "*", "undefined", "https://evil.example", "http://app.example", "ws://app.example"],
  // Beginnings and ends.
  ...["https://app.example.evil.example", "https://evilapp.example", "https://evil.app.example", "https://app.exampl"],
  ...["https://chat.example.evil.example", "https://evilchat.example", "https://evil.chat.example", "https://example"],
  // Ports, case, a trailing dot.
  ...["https://app.example:8443", "https://app.example:443", "https://app.example:", "https://chat.example:6662"],
  ...["https://App.example", "HTTPS://app.example", "https://app.example.", "https://chat.example."],
  // Paths, queries, fragments, users.
  ...["https://app.example/", "https://app.example/x", "https://app.example?x", "https://app.example#x"],
  ...["https://user@app.example", "https://app.example@evil.example", "https://evil.example/https://app.example"],
  ...[
    "https://evil.example?https://app.example",
    "https://evil.example#app.example",
    "https://evil.example\\@app.example",
  ],
  // Other alphabets and spellings.
  ...["https://\u0430pp.example", "https://xn--pp-6kc.example", "https://app\u3002example", "https://app.ex%61mple"],
  // Other schemes, lists, texts that are no origin.
  ...[
    "file://",
    "file://app.example",
    "data:text/html,x",
    "blob:https://app.example/1",
    "chrome-extension://app.example",
  ],
  ...["https://app.example, https://evil.example", "https://app.example https://evil.example", "//app.example"],
  ...["app.example", "chat.example", "https:app.example", "https://0", "https://[::1]", "https://2130706433"],
];

/** The listed origins that may open a socket, or are refused with another status than 403. */
export async function originsLetIn(
  server: RunningServer,
  token: string,
  origins: readonly string[] = foreignOrigins,
): Promise<readonly string[]> {
  const answers = await Promise.all(
    origins.map(async (origin) => {
      const headers = { Host: ownHost, Authorization: `Bearer ${token}`, Origin: origin };
      return { origin, status: (await knock(server, headers)).status };
    }),
  );
  return answers.filter(({ status }) => status !== 403).map(({ origin, status }) => `${origin} → ${status}`);
}
