import type { MessageChange } from "../protocol/frame.ts";
import { validateName, pageHref, parameter, type Parameters } from "./address.ts";
import { createComposer } from "./composer.ts";
import type { LinkState } from "./link.ts";
import type { Conversation } from "./state.ts";
import { createSync } from "./sync.ts";
import { byId, createLog, createPeople, type Item, type Person, setText, show, showAvatar, type Tick } from "./view.ts";

export type ChatOptions = {
  readonly user: string;
  /** Whether the address names the user. */
  readonly isDemo: boolean;
  readonly onLink: (state: LinkState) => void;
};

/** The page of a known user: the conversations, and the open one. */
export function openChat({ user, isDemo, onLink }: ChatOptions): void {
  const [tenant, device] = [parameter("tenant"), parameter("device")];
  const address: Parameters = { user: isDemo ? user : undefined, tenant };
  const hrefOf = (to?: string): string => pageHref({ ...address, device, to });
  const newcomer = byId<HTMLInputElement>("new-to");
  let peer: string | null = null;
  let rendering: ReturnType<typeof setTimeout> | undefined;

  const sync = createSync({
    user,
    tenant,
    device,
    address,
    onLink,
    onChange: () => (rendering ??= setTimeout(render)),
  });
  const { state } = sync;
  const log = createLog(markRead);
  const renderPeople = createPeople(open);
  const composer = createComposer({
    onInput: (hasText) => peer !== null && sync.sendTyping(peer, hasText),
    onSubmit(text) {
      const problem = peer === null ? null : sync.send(peer, text);
      render();
      return problem;
    },
  });

  /** The user's own message is identified by its id, from the outbox on; another user's by its seq. */
  const keyOf = ({ from, id, conversation, seq }: MessageChange): string =>
    from === user ? id : `${conversation} ${seq}`;

  const isVisible = (): boolean => document.visibilityState === "visible";

  function markRead(): void {
    const conversation = peer === null ? undefined : state.conversationWith(peer);
    const newest = conversation?.messages.findLast(({ from }) => from !== user);
    if (conversation && newest && isVisible() && log.isShown(keyOf(newest))) sync.read(conversation, newest.seq);
  }

  function itemsOf(name: string): Item[] {
    const conversation = state.conversationWith(name);
    const { delivered, read } = conversation?.marks.get(name) ?? { delivered: 0, read: 0 };
    const tickOf = (seq: number): Tick => (seq <= read ? "read" : seq <= delivered ? "delivered" : "accepted");
    const said = (conversation?.messages ?? []).map((message): Item => {
      const { from, text, time, seq } = message;
      return { key: keyOf(message), from, text, time, ...(from === user && { tick: tickOf(seq) }) };
    });
    const waiting = state.outbox.filter(({ to }) => to === name);
    const toSay = waiting.map(({ id, text, time, state: step, reason }): Item => {
      const onDiscard = (): void => {
        state.discard(id);
        render();
      };
      return { key: id, from: user, text, time, tick: step === "failed" ? "failed" : "waiting", reason, onDiscard };
    });
    return [...said, ...toSay];
  }

  function unreadOf({ messages, marks }: Conversation): number {
    const read = marks.get(user)?.read ?? 0;
    return messages.filter(({ from, seq }) => from !== user && seq > read).length;
  }

  /** Conversations with a message in the outbox first, then by newest activity. */
  function people(): Person[] {
    const known = [...state.conversations.values()].toReversed().filter(({ messages }) => messages.length > 0);
    const names = new Set([...state.outbox.map(({ to }) => to), ...known.map((one) => one.with ?? "")]);
    return [...names].map((name) => {
      const conversation = state.conversationWith(name);
      const newest = state.outbox.findLast(({ to }) => to === name) ?? conversation?.messages.at(-1);
      const isOpen = name === peer;
      const unread = conversation && !(isOpen && isVisible()) ? unreadOf(conversation) : 0;
      const said = `${newest?.to === name ? "You: " : ""}${newest?.text.slice(0, 200) ?? ""}`;
      const last = sync.isTyping(name) ? "typing…" : said;
      return { name, href: hrefOf(name), last, time: newest?.time ?? null, unread, isOpen };
    });
  }

  function render(): void {
    clearTimeout(rendering);
    rendering = undefined;
    const items = peer === null ? [] : itemsOf(peer);
    log.render(peer, items);
    show("empty", items.length === 0);
    setText(byId("typing"), peer !== null && sync.isTyping(peer) ? "typing…" : "");
    const list = people();
    renderPeople(list);
    const unread = list.reduce((sum, person) => sum + person.unread, 0);
    document.title = `${unread > 0 ? `(${unread}) ` : ""}${peer ?? user} – Tidings`;
    markRead();
  }

  function open(name: string): void {
    if (parameter("to") !== name) history.pushState(null, "", hrefOf(name));
    enter();
    composer.focus();
  }

  /** Shows the conversation that the address names. */
  function enter(): void {
    const to = parameter("to");
    peer = to !== undefined && validateName(to, user) === "" ? to : null;
    document.body.dataset["view"] = peer === null ? "people" : "chat";
    show("composer", peer !== null);
    show("empty-link", peer !== null && isDemo);
    setText(byId("empty-text"), "Choose somebody, or write to somebody new.");
    if (peer !== null) {
      setText(byId("peer-name"), peer);
      showAvatar(byId("peer-avatar"), peer);
      setText(byId("empty-text"), `No messages with ${peer} yet. Say hello!`);
      setText(byId("empty-link"), `Open ${peer}’s side in another window`);
      byId<HTMLAnchorElement>("empty-link").href = pageHref({ user: peer, tenant, to: user });
    }
    render();
  }

  newcomer.addEventListener("input", () => newcomer.setCustomValidity(""));
  byId("new-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const name = newcomer.value.trim();
    newcomer.setCustomValidity(validateName(name, user));
    if (!newcomer.reportValidity()) return;
    newcomer.value = "";
    open(name);
  });
  byId("back").addEventListener("click", (event) => {
    event.preventDefault();
    history.pushState(null, "", hrefOf());
    enter();
  });
  byId("retry").onclick = sync.hurry;
  addEventListener("popstate", enter);
  addEventListener("online", sync.hurry);
  addEventListener("pagehide", sync.save);
  document.addEventListener("visibilitychange", () => {
    if (isVisible()) sync.hurry();
    render();
  });

  setText(byId("me"), user);
  show("leave", isDemo);
  byId<HTMLAnchorElement>("leave").href = pageHref({ tenant });
  byId<HTMLAnchorElement>("back").href = hrefOf();
  enter();
  composer.focus();
  sync.connect();
}
