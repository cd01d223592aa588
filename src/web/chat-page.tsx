import { type ReactNode, useEffect, useMemo, useState } from "react";
import type { Client, Target } from "../client/index.ts";
import { Tidings, useClient, useUnread } from "../react/index.ts";
import { pageHref, routeOf } from "./address.ts";
import { navigate, useSearch } from "./hooks.ts";
import { Menu, type MenuItem } from "./menu.tsx";
import { type NotifyState, notifyState, startNotifying } from "./notify.ts";
import { createOpenThreads } from "./open-threads.ts";
import { type PushOptions, registerPush, startPush } from "./push.ts";
import { People } from "./people.tsx";
import { type Auth, followSignOut, type Identity } from "./session.ts";
import { SignOut } from "./sign-out.tsx";
import { StatusLine } from "./status-line.tsx";
import { ThreadView } from "./thread-view.tsx";

type ChatPageProps = { readonly client: Client; readonly auth: Auth; readonly identity: Identity };

/** The page of a known user: the conversations, and the open one. */
export const ChatPage = ({ client, ...props }: ChatPageProps): ReactNode => (
  <Tidings client={client}>
    <Chat {...props} />
  </Tidings>
);

function Chat({ auth, identity }: Omit<ChatPageProps, "client">): ReactNode {
  const client = useClient();
  const { user, tenant } = identity;
  useEffect(() => followSignOut(client, identity), [client, identity]);
  const search = useSearch();
  const { target, seq } = useMemo(() => routeOf(search, user), [search, user]);
  const threads = useMemo(createOpenThreads, []);
  const address = useMemo(
    () => ({ user: auth === "demo" ? user : undefined, tenant: auth === "demo" ? tenant : undefined }),
    [auth, user, tenant],
  );
  const hrefOf = useMemo(
    () =>
      (next: Target | null): string =>
        pageHref({
          ...address,
          ...(next === null ? {} : "with" in next ? { to: next.with } : { conversation: next.conversation }),
        }),
    [address],
  );
  useEffect(
    () => startNotifying({ client, tenant, onOpen: (message) => navigate(hrefOf({ with: message.from })) }),
    [client, tenant, hrefOf],
  );
  const push = useMemo(
    () => ({
      ...{ client, providersHref: pageHref(address).replace("/", "/push") },
      onOpen: (conversation: string) => navigate(hrefOf({ conversation })),
    }),
    [client, address, hrefOf],
  );
  useEffect(() => startPush(push), [push]);
  useShortcuts(target, hrefOf);
  useLeaveWarning();
  const key = target === null ? "" : "with" in target ? `with ${target.with}` : `id ${target.conversation}`;
  return (
    <div id="app" data-view={target === null ? "people" : "chat"}>
      <Title target={target} user={user} />
      <StatusLine />
      <div id="side">
        <Head {...{ auth, tenant, push }} />
        <People {...{ self: user, target, threads, hrefOf }} />
      </div>
      {target === null ? (
        <main id="chat" className="nothing">
          <p>Choose somebody, or write to somebody new.</p>
        </main>
      ) : (
        <ThreadView
          key={key}
          {...{
            target,
            seq,
            threads,
            self: user,
            backHref: hrefOf(null),
            peerHref: (peer) => (auth === "demo" ? pageHref({ user: peer, tenant, to: user }) : null),
          }}
        />
      )}
    </div>
  );
}

/** How long the page waits until it looks whether notifications may be offered. */
const notifyCheckMs = 1_000;

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

/** Ctrl or ⌘ with K finds, Alt with an arrow goes to the next conversation, Escape goes back to the list. */
function useShortcuts(target: Target | null, hrefOf: (target: Target | null) => string): void {
  const client = useClient();
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.isComposing) return;
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        document.querySelector<HTMLElement>("#new-to")?.focus();
      } else if (event.altKey && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
        event.preventDefault();
        const { conversations } = client.conversations.get();
        const at = conversations.findIndex(
          (one) => target !== null && ("with" in target ? one.with === target.with : one.id === target.conversation),
        );
        const next = conversations[at < 0 ? 0 : at + (event.key === "ArrowDown" ? 1 : -1)];
        if (next?.with) navigate(hrefOf({ with: next.with }));
      } else if (event.key === "Escape" && target !== null) {
        navigate(hrefOf(null));
        document.querySelector<HTMLElement>("#people .person[tabindex='0']")?.focus();
      }
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, [client, target, hrefOf]);
}
