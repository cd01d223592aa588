import { clockName, dayName, isSameDay, momentName } from "./day.ts";
import type { LinkState } from "./link.ts";

export type Tick = "waiting" | "accepted" | "delivered" | "read" | "failed";

/** A message as the page shows it. */
export type Item = {
  /** The same in the outbox and in the log, so that a screen reader announces a message once. */
  readonly key: string;
  readonly from: string;
  readonly text: string;
  readonly time: number;
  /** Only the user's own messages have one. */
  readonly tick?: Tick;
  readonly reason?: string | undefined;
  readonly onDiscard?: () => void;
};

/** A conversation in the list of people. */
export type Person = {
  readonly name: string;
  readonly href: string;
  readonly last: string;
  readonly time: number | null;
  readonly unread: number;
  readonly isOpen: boolean;
};

const tickNames: Record<Tick, string> = {
  waiting: "Waiting to be sent",
  accepted: "Sent",
  delivered: "Delivered",
  read: "Read",
  failed: "Not sent",
};
const tickPaths: Record<Tick, string> = {
  waiting: "M12 5.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 1 0 0-13M12 8.5V12l2.4 1.6",
  accepted: "M6 12.6l4 4 8-9",
  delivered: "M2.5 12.6l4 4 8-9M11.5 15.6l1 1 8-9",
  read: "M3.5 12.4l3.6 3.7 7.2-8.1M11.6 15.1l1 1 7.2-8.1",
  failed: "M12 5.5v8M12 18v.2",
};
const hueCount = 6;
const atBottomPx = 48;

export const byId = <Type extends HTMLElement>(id: string): Type => {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no #${id}`);
  return found as Type;
};

/** Content becomes text nodes only: no text ever reaches an HTML parser. */
function element(tag: string, className: string, ...children: readonly (Node | string)[]): HTMLElement {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...children);
  return made;
}

/** Changes a text only if it differs, so that a screen reader announces nothing twice. */
export function setText(target: Element, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

export function show(id: string, isShown: boolean): void {
  byId(id).hidden = !isShown;
}

/** Makes `parent` hold exactly `children`, moving and adding as little as possible. */
function setChildren(parent: Element, children: readonly Element[]): void {
  children.forEach((child, at) => {
    if (parent.children[at] !== child) parent.insertBefore(child, parent.children[at] ?? null);
  });
  while (parent.children.length > children.length) parent.lastElementChild?.remove();
}

export function showAvatar(target: HTMLElement, name: string): void {
  setText(target, (/[A-Za-z0-9]/.exec(name)?.[0] ?? "?").toUpperCase());
  let hash = 0;
  for (const char of name) hash = (hash * 31 + char.charCodeAt(0)) % 9_973;
  target.dataset["hue"] = String(hash % hueCount);
}

/** Shows the state of the connection; a screen reader announces each change, and not the countdown. */
export function showLink(state: LinkState): void {
  byId("status").dataset["state"] = state.kind;
  show("online", state.kind === "online");
  show("retry", state.kind === "waiting");
  const seconds = state.kind === "waiting" ? Math.max(1, Math.ceil((state.until - performance.now()) / 1_000)) : 0;
  setText(byId("status-wait"), state.kind === "waiting" ? ` – reconnecting in ${seconds} s` : "");
  const texts = { connecting: "Connecting…", online: "Online", waiting: "Offline", closed: "" };
  setText(
    byId("status-text"),
    state.kind === "closed" ? `The server closed the connection for good: ${state.reason}` : texts[state.kind],
  );
}

export function createPeople(onOpen: (name: string) => void) {
  const list = byId("people-list");
  const rows = new Map<string, HTMLElement>();
  return (people: readonly Person[]): void => {
    const shown = people.map(({ name, href, last, time, unread, isOpen }) => {
      const row = rows.get(name) ?? makePerson(name, href, () => onOpen(name));
      rows.set(name, row);
      const part = (part: string): Element => row.querySelector(`.${part}`) ?? row;
      setText(part("last"), last);
      const when = time === null ? "" : momentName(time);
      setText(part("when"), when);
      setText(part("unread"), unread === 0 ? "" : String(unread));
      part("unread").setAttribute("aria-label", `${unread} unread`);
      const link = part("person");
      if (isOpen) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
      return row;
    });
    setChildren(list, shown);
  };
}

function makePerson(name: string, href: string, onOpen: () => void): HTMLElement {
  const avatar = element("span", "avatar");
  avatar.ariaHidden = "true";
  showAvatar(avatar, name);
  const title = element("span", "name", name);
  const last = element("span", "last");
  title.dir = last.dir = "auto";
  const link = element("a", "person", avatar, title, element("span", "when"), last, element("span", "unread"));
  link.setAttribute("href", href);
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    onOpen();
  });
  return element("li", "", link);
}

/** The messages of one conversation, and the reader's position in them. */
export function createLog(onMove: () => void) {
  const log = byId("log");
  const latest = byId("latest");
  let rows = new Map<string, HTMLElement>();
  let peer: string | null = null;
  let isAtBottom = true;
  /** The scroll position when isAtBottom was last set. */
  let knownTop = 0;

  const isNearBottom = (): boolean => log.scrollHeight - log.scrollTop - log.clientHeight < atBottomPx;
  const toBottom = (): void => {
    log.scrollTop = log.scrollHeight;
    isAtBottom = true;
    knownTop = log.scrollTop;
    latest.hidden = true;
  };
  log.addEventListener("scroll", () => {
    isAtBottom = isNearBottom();
    knownTop = log.scrollTop;
    if (isAtBottom) latest.hidden = true;
    onMove();
  });
  latest.addEventListener("click", toBottom);
  // The on-screen keyboard makes the list shorter, and the messages that the reader was looking at stay in view.
  new ResizeObserver(() => {
    if (isAtBottom) toBottom();
  }).observe(log);

  return {
    toBottom,

    render(nextPeer: string | null, items: readonly Item[]): void {
      const isOther = nextPeer !== peer;
      // The reader may have scrolled up in this frame; its event has not arrived yet.
      if (log.scrollTop < knownTop && !isNearBottom()) isAtBottom = false;
      const newest = items.at(-1);
      const isNews = newest !== undefined && !rows.has(newest.key);
      // Older messages are not announced to a screen reader as new ones.
      log.ariaBusy = String(isOther);
      peer = nextPeer;
      const kept = new Map<string, HTMLElement>();
      const children: HTMLElement[] = [];
      const lastOwn = items.findLast(({ tick }) => tick !== undefined);
      items.forEach((item, at) => {
        const previous = items[at - 1];
        const isNewDay = previous === undefined || !isSameDay(previous.time, item.time);
        if (isNewDay) {
          const key = `day ${new Date(item.time).toDateString()}`;
          const row = kept.get(key) ?? rows.get(key) ?? element("div", "day", element("span", "", ""));
          setText(row.firstElementChild ?? row, dayName(item.time));
          if (!kept.has(key)) children.push(row);
          kept.set(key, row);
        }
        const row = (isOther ? undefined : rows.get(item.key)) ?? makeRow(item);
        row.classList.toggle("first", isNewDay || previous?.from !== item.from);
        if (item.tick) showTick(row, item, item === lastOwn);
        kept.set(item.key, row);
        children.push(row);
      });
      rows = kept;
      setChildren(log, children);
      if (isOther || isAtBottom || (isNews && newest.tick === "waiting")) toBottom();
      else if (isNews) latest.hidden = false;
      if (isOther) setTimeout(() => (log.ariaBusy = "false"));
    },

    /** Whether the reader can see the message. */
    isShown(key: string): boolean {
      const row = rows.get(key);
      if (!row || log.clientHeight === 0) return false;
      const { top, height } = row.getBoundingClientRect();
      return top + Math.min(height, atBottomPx) <= log.getBoundingClientRect().bottom;
    },
  };
}

function makeRow({ from, text, time, tick, onDiscard }: Item): HTMLElement {
  const body = element("p", "text", text);
  body.dir = "auto";
  const when = element("time", "", clockName(time));
  when.setAttribute("datetime", new Date(time).toISOString());
  const meta = element("div", "meta", when);
  const bubble = element("div", "bubble", element("span", "hidden", `${tick ? "You" : from}: `), body, meta);
  if (!tick) return element("div", "message", bubble);
  const mark = element("span", "tick");
  mark.setAttribute("role", "img");
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.append(document.createElementNS("http://www.w3.org/2000/svg", "path"));
  mark.append(svg);
  meta.append(mark);
  const discard = element("button", "discard", "Remove");
  discard.addEventListener("click", () => onDiscard?.());
  return element("div", "message own", bubble, element("p", "note"), discard);
}

function showTick(row: HTMLElement, { tick = "waiting", reason }: Item, isLast: boolean): void {
  row.dataset["tick"] = tick;
  const mark = row.querySelector(".tick");
  if (mark) mark.ariaLabel = tickNames[tick];
  mark?.querySelector("path")?.setAttribute("d", tickPaths[tick]);
  const note = row.querySelector(".note");
  // The newest tick has words beside it, which explain the other ticks.
  if (note) setText(note, tick === "failed" ? `Not sent: ${reason ?? "refused"}` : isLast ? tickNames[tick] : "");
  note?.setAttribute("aria-hidden", String(tick !== "failed"));
}
