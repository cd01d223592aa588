import * as v from "valibot";

/** How a device shows a notification. A provider leaves out the options for which it has no field: docs/push.md has the table. */
export type PushOptions = {
  /** iOS: an extension of the app may change the notification before it is shown (`mutable-content`). Default false. */
  readonly mutableContent?: boolean | undefined;
  /** Android: the id of a notification channel that the app has made, 1–64 characters. Default: the provider's own. */
  readonly channel?: string | undefined;
  /** The name of a sound in the app, `default`, or `none` for no sound; 1–64 characters. Default `default`. */
  readonly sound?: string | undefined;
  /** iOS: the category that says which actions are offered, 1–64 characters. Default: none. */
  readonly category?: string | undefined;
  /** The https address of an image, of at most 1024 characters. Default: none. */
  readonly image?: string | undefined;
  /** The app gets `title`, `body` and `data` as data, and shows a notification by itself; the system shows none. Default false. */
  readonly dataOnly?: boolean | undefined;
};

const nameCharsMax = 64;
const imageCharsMax = 1_024;

/** No control characters, no blanks at its ends, no half of a surrogate pair. */
const isName = (text: string): boolean =>
  text.length <= nameCharsMax && /^[^\s\p{Cc}](?:[^\p{Cc}]*[^\s\p{Cc}])?$/u.test(text) && text.isWellFormed();

function isImage(text: string): boolean {
  if (text.length > imageCharsMax || !URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return protocol === "https:" && username === "" && password === "" && !/[\s\p{Cc}]/u.test(text);
}

const name = v.optional(v.pipe(v.string(), v.check(isName)));

export const pushOptions = v.strictObject({
  mutableContent: v.optional(v.boolean()),
  channel: name,
  sound: name,
  category: name,
  image: v.optional(v.pipe(v.string(), v.check(isImage))),
  dataOnly: v.optional(v.boolean()),
});

/** The only option that is left where a provider refuses more. */
export const fewestOf = ({ dataOnly }: PushOptions): PushOptions => (dataOnly === true ? { dataOnly } : {});
