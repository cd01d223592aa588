import { type ReactNode, useEffect, useMemo, useState } from "react";
import type { Target } from "../client/index.ts";
import { useClient, useUnread } from "../react/index.ts";
import { pageHref } from "./address.ts";
import { addressOf, type PartProps } from "./chat-page.tsx";
import { Menu, type MenuItem } from "./menu.tsx";
import { type NotifyState, notifyState, startNotifying } from "./notify.ts";
import { type PushOptions, registerPush, startPush } from "./push.ts";
import { followSignOut, ownerOf } from "./user-session.ts";
import { SignOut } from "./sign-out.tsx";
import { useSurface } from "./surface.tsx";
import { titleOf } from "./title.ts";

/** What the page does without showing it: it notifies, follows the user's other tabs, and names itself. */
export function Surroundings({ auth, identity, target }: PartProps & { readonly target: Target | null }): ReactNode {
  const client = useClient();
  const surface = useSurface();
  const { user, tenant } = identity;
  const push = usePush({ auth, identity });
  useEffect(() => followSignOut(client, identity), [client, identity]);
  useEffect(
    () => startNotifying({ client, tenant, onOpen: (message) => surface.open({ with: message.from }) }),
    [client, tenant, surface],
  );
  useEffect(() => startPush(push), [push]);
  useLeaveWarning();
  return <Title target={target} user={user} />;
}

function usePush({ auth, identity }: PartProps): PushOptions {
  const client = useClient();
  const surface = useSurface();
  return useMemo(
    () => ({
      client,
      owner: ownerOf(identity),
      providersHref: pageHref(addressOf(auth, identity)).replace("/", "/push"),
      onOpen: (conversation: string) => surface.open({ conversation }),
    }),
    [client, auth, identity, surface],
  );
}

/** How long the page waits until it looks whether notifications may be offered. */
const notifyCheckMs = 1_000;

/** Above the list: who the user is, and the page's menu. */
export function Head({ auth, identity }: PartProps): ReactNode {
  const { user } = useClient();
  const push = usePush({ auth, identity });
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
      {isLeaving && <SignOut tenant={identity.tenant} onClose={() => setIsLeaving(false)} />}
    </header>
  );
}

/** The title of the window and the number at the app's icon. */
function Title({ target, user }: { readonly target: Target | null; readonly user: string }): null {
  const { messages } = useUnread();
  const name = target !== null && "with" in target ? titleOf(target.with, user) : user;
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
