/** More than any valid answer of a push provider has: a bound for the others. */
const bodyBytesMax = 16 * 1024;
/** `explainPush` shows it: enough to recognise the answer. */
const answerCharsMax = 200;

/** The answer of a provider, with its body read. */
export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  /** Its first 16 KiB. */
  readonly text: string;
  /** `jsonOf` the text. */
  readonly json: unknown;
};

/** Reads at most 16 KiB of an answer, and releases its connection. */
export async function readAnswer(response: Response): Promise<Answer> {
  const text = await readText(response.body);
  return { status: response.status, headers: response.headers, text, json: jsonOf(text) };
}

async function readText(body: ReadableStream<Uint8Array> | null): Promise<string> {
  if (body === null) return "";
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let left = bodyBytesMax; ;) {
    const { value } = await reader.read();
    if (value === undefined) return text + decoder.decode();
    text += decoder.decode(value.subarray(0, left), { stream: true });
    left -= value.length;
    if (left > 0) continue;
    await reader.cancel();
    return text;
  }
}

/** The parsed text; undefined: it is not JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Redirects are never followed; some runtimes show them with status 0 (Fetch standard). */
export const isRedirect = ({ status }: Pick<Answer, "status">): boolean =>
  status === 0 || (status >= 300 && status < 400);

/** A provider's text as `PushResult.answer`: one line, short, with the hidden values replaced, should the provider repeat them. */
export function shortAnswer(text: string, hidden: readonly string[] = []): string {
  const shown = hidden.filter(Boolean).reduce((rest, secret) => rest.replaceAll(secret, "…"), text.toWellFormed());
  const line = shown.replace(/[\p{Cc}\s]+/gu, " ").trim();
  return line.length <= answerCharsMax ? line : `${line.slice(0, answerCharsMax - 1).toWellFormed()}…`;
}
