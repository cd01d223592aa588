/** The types of `<tidings-chat>` in JSX, for every file that imports `tidings/react`, or its types alone. */
import type { DetailedHTMLProps, HTMLAttributes } from "react";
import type { Client, CredentialRequest, Credentials } from "../client/api.ts";

/** The attributes and properties of `<tidings-chat>`. One that is null or undefined is absent. */
export type TidingsChatProps = {
  /** Where the chat is mounted, seen from the page: `/chat`. */
  readonly url: string;
  /** The user whose chat it is; absent: the element is empty. */
  readonly user: string | null | undefined;
  readonly tenant?: string | null | undefined;
  /** The other user of the open thread. */
  readonly with?: string | null | undefined;
  /** The open thread, by its conversation. */
  readonly conversation?: string | null | undefined;
  /** Absent: `thread` where a thread is named, else `full`. */
  readonly view?: "full" | "list" | "thread" | null | undefined;
  /** Sent as `Authorization: Bearer`. Absent, and without `authenticate`: the browser's cookies prove the user. */
  readonly token?: string | null | undefined;
  /** Gives the credentials, see the client's option. React sets it from version 19 on. */
  readonly authenticate?: ((request: CredentialRequest) => Promise<Credentials | null>) | null | undefined;
  /** A client of your own. React sets it from version 19 on. */
  readonly client?: Client | null | undefined;
};

/** What JSX knows of each HTML element, and these. */
type Props = DetailedHTMLProps<HTMLAttributes<HTMLElement>, HTMLElement> & TidingsChatProps;

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "tidings-chat": Props;
    }
  }
}
