import { type ReactNode, useEffect, useMemo, useState } from "react";
import type { Client, Target } from "../client/index.ts";
import { Tidings, useClient, useUnread } from "../react/index.ts";
import { pageHref, routeOf } from "./address.ts";
import { ChatFrame } from "./chat-frame.tsx";
import type { DayNames } from "./day.ts";
import { Menu, type MenuItem } from "./menu.tsx";
import { navigate, useSearch } from "./navigate.ts";
import { type NotifyState, notifyState, startNotifying } from "./notify.ts";
import { type PushOptions, registerPush, startPush } from "./push.ts";
import type { Identity } from "./last-identity.ts";
import { type Auth, followSignOut, ownerOf } from "./session.ts";
import { SignOut } from "./sign-out.tsx";
import { type Surface, SurfaceProvider } from "./surface.tsx";

type ChatPageProps = {
  readonly client: Client;
  readonly auth: Auth;
  readonly identity: Identity;
  readonly days: DayNames;
};

/** The page of a known user: the conversations, and the open one. */
export const ChatPage = ({ client, ...props }: ChatPageProps): ReactNode => (
  <Tidings client={client}>
    <Chat {...props} />
  </Tidings>
);

function Chat({ auth, identity, days }: Omit<ChatPageProps, "client">): ReactNode {
  const client = useClient();
  const { user, tenant } = identity;
  useEffect(() => followSignOut(client, identity), [client, identity]);
  const search = useSearch();
  const { target, seq } = useMemo(() => routeOf(search, user), [search, user]);
  const surface = useMemo(() => pageSurface({ auth, identity, days }), [auth, identity, days]);
  useEffect(
    () => startNotifying({ client, tenant, onOpen: (message) => surface.open({ with: message.from }) }),
    [client, tenant, surface],
  );
  const push = useMemo(
    () => ({
      client,
      owner: ownerOf(identity),
      providersHref: pageHref(addressOf(auth, identity)).replace("/", "/push"),
      onOpen: (conversation: string) => surface.open({ conversation }),
    }),
    [client, auth, identity, surface],
  );
  useEffect(() => startPush(push), [push]);
  useLeaveWarning();
  return (
    <SurfaceProvider value={surface}>
      <Title target={target} user={user} />
      <ChatFrame {...{ view: "full", target, seq, takesFocus: true, head: <Head {...{ auth, tenant, push }} /> }} />
    </SurfaceProvider>
  );
}

/** How long the page waits until it looks whether notifications may be offered. */
const notifyCheckMs = 1_000;

/** In the demo each address says who the user is. */
const addressOf = (auth: Auth, identity: Identity): Partial<Identity> => (auth === "demo" ? identity : {});

/** The page is what is around the chat: each conversation has an address of it. */
function pageSurface({ auth, identity, days }: Omit<ChatPageProps, "client">): Surface {
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
    peerHref: (peer) => (auth === "demo" ? pageHref({ user: peer, tenant, to: user }) : null),
    onOtherUser: () => location.reload(),
  };
}

type HeadProps = { readonly auth: Auth; readonly tenant: string | undefined; readonly push: PushOptions };

function Head({ auth, tenant, push }: HeadProps): ReactNode {
  const { user } = useClient();
  const [state, setState] = useState<NotifyState | null>(null);
  const [isLeaving, setIsLeaving] = useState(false);
  // The browser answers this from another process, which may take longer than the first messages: they come first.
  useEffect(() => {
    const timer = setTimeout(() => setState(notifyState()), notifyCheckMs);
    return () => clearTimeout(timer);
  }, []);
  const notify = async (): Promise<void> => {
    await Notification.requestPermission();
    setState(notifyState());
    await registerPush(push).catch(() => {});
  };
  const items: MenuItem[] = [
    ...(state === "ask" ? [{ name: "Turn on notifications", onChoose: () => void notify() }] : []),
    ...(auth === "demo" ? [{ name: "Sign out", id: "leave", onChoose: () => setIsLeaving(true) }] : []),
  ];
  return (
    <header id="brand">
      <img src="/favicon.svg" alt="" width="36" height="36" />
      <div>
        <h1>Tidings</h1>
        <p>
          <bdi id="me">{user}</bdi>
        </p>
      </div>
      {items.length > 0 && <Menu name="Your menu" icon="more" items={items} />}
      {isLeaving && <SignOut tenant={tenant} onClose={() => setIsLeaving(false)} />}
    </header>
  );
}

/** The title of the window and the number at the app's icon. */
function Title({ target, user }: { readonly target: Target | null; readonly user: string }): null {
  const { messages } = useUnread();
  const name = target !== null && "with" in target ? target.with : user;
  useEffect(() => {
    document.title = `${messages > 0 ? `(${messages}) ` : ""}${name} – Tidings`;
    // Not every browser has it, and a page that is no app may be refused.
    (navigator as { setAppBadge?: (count: number) => Promise<void> }).setAppBadge?.(messages).catch(() => {});
  }, [messages, name]);
  return null;
}

/** The browser asks before the page is left with something that is nowhere but in it. */
function useLeaveWarning(): void {
  const client = useClient();
  useEffect(() => {
    const onLeave = (event: Event): void => {
      const { kind } = client.storage.get();
      if (kind === "durable" || kind === "opening" || kind === "lost") return;
      const typed = document.querySelector<HTMLTextAreaElement>("#text")?.value ?? "";
      if (client.outbox.get().queued > 0 || typed !== "") event.preventDefault();
    };
    addEventListener("beforeunload", onLeave);
    return () => removeEventListener("beforeunload", onLeave);
  }, [client]);
}
