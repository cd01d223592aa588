import { type ReactNode, useMemo } from "react";
import type { Client, Target } from "../client/index.ts";
import { Tidings } from "../react/index.ts";
import { pageHref, routeOf } from "./address.ts";
import { ChatFrame } from "./chat-frame.tsx";
import type { DayNames } from "./day.ts";
import type { FrameParts } from "./frame-parts.tsx";
import type { Identity } from "./last-identity.ts";
import { navigate, useSearch } from "./navigate.ts";
import type { Auth } from "./session.ts";
import { type Surface, SurfaceProvider } from "./surface.tsx";

/** What the page has beside the open thread. */
export type PageParts = FrameParts & {
  readonly Head: (props: PartProps) => ReactNode;
  /** What the page does without showing it. */
  readonly Surroundings: (props: PartProps & { readonly target: Target | null }) => ReactNode;
};

export type PartProps = { readonly auth: Auth; readonly identity: Identity };

type ChatPageProps = PartProps & {
  readonly client: Client;
  readonly days: DayNames;
  /** Null: they are being loaded. */
  readonly parts: PageParts | null;
};

/** The page of a known user: the conversations, and the open one. */
export const ChatPage = ({ client, ...props }: ChatPageProps): ReactNode => (
  <Tidings client={client}>
    <Chat {...props} />
  </Tidings>
);

function Chat({ auth, identity, days, parts }: Omit<ChatPageProps, "client">): ReactNode {
  const search = useSearch();
  const { target, seq } = useMemo(() => routeOf(search), [search]);
  const surface = useMemo(() => pageSurface({ auth, identity, days }), [auth, identity, days]);
  const head = parts !== null && <parts.Head auth={auth} identity={identity} />;
  return (
    <SurfaceProvider value={surface}>
      {parts !== null && <parts.Surroundings {...{ auth, identity, target }} />}
      <ChatFrame {...{ parts, view: "full", target, seq, takesFocus: true, head }} />
    </SurfaceProvider>
  );
}

/** In the demo each address says who the user is. */
export const addressOf = (auth: Auth, identity: Identity): Partial<Identity> => (auth === "demo" ? identity : {});

/** The page is what is around the chat: each conversation has an address of it. */
function pageSurface({ auth, identity, days }: PartProps & { readonly days: DayNames }): Surface {
  const { user, tenant } = identity;
  const address = addressOf(auth, identity);
  const hrefOf = (next: Target | null): string =>
    pageHref({
      ...address,
      ...(next === null ? {} : "with" in next ? { to: next.with } : { conversation: next.conversation }),
    });
  return {
    root: document,
    isPage: true,
    days,
    hrefOf,
    open: (target) => navigate(hrefOf(target)),
    peerHref: (peer) => (auth === "demo" && peer !== user ? pageHref({ user: peer, tenant, to: user }) : null),
    onOtherUser: () => location.reload(),
  };
}
