import { type KeyboardEvent, type ReactNode, useRef, useState } from "react";
import type { Target } from "../client/index.ts";
import { useContacts, useConversations, useReadable, useStatus, useStorage } from "../react/index.ts";
import { focusedBeside, useToday } from "./hooks.ts";
import { Avatar, Icon } from "./icon.tsx";
import type { OpenThreads } from "./open-threads.ts";
import { Person } from "./person.tsx";
import { useSurface } from "./surface.tsx";
import { titleOf } from "./title.ts";
import { validateName } from "./validate-name.ts";

type PeopleProps = {
  readonly self: string;
  readonly target: Target | null;
  readonly threads: OpenThreads;
};

/** The list of conversations, and the field that finds or begins one. */
export function People({ self, target, threads }: PeopleProps): ReactNode {
  const surface = useSurface();
  const { conversations, more, loadMore } = useConversations();
  const contacts = useContacts();
  const open = useReadable(threads);
  const isOpening = useStorage().kind === "opening";
  const { state } = useStatus();
  const today = useToday();
  const [typed, setTyped] = useState("");
  const field = useRef<HTMLInputElement>(null);

  const wanted = typed.trim();
  const isFit = (name: string): boolean =>
    [name, titleOf(name, self)].some((text) => text.toLowerCase().includes(wanted.toLowerCase()));
  const listed = conversations.map((conversation) => ({ name: conversation.with ?? conversation.id, conversation }));
  const known = new Set(listed.map(({ name }) => name));
  // Those that were opened here and have no message on the server yet come first, while they are open or something waits in them.
  const begun = [...open].flatMap(([name, thread]) => {
    const isOpen = target !== null && "with" in target && target.with === name;
    const holds = thread.draft.get() !== "" || thread.state.get().rows.length > 0;
    return known.has(name) || (isOpen ? false : !holds) ? [] : [{ name, conversation: null }];
  });
  const strangers = contacts
    .filter((name) => wanted !== "" && !known.has(name))
    .map((name) => ({ name, conversation: null }));
  const people = [...begun, ...listed, ...strangers].filter(({ name }) => isFit(name));
  const isNew = wanted !== "" && people.every(({ name }) => name !== wanted);
  const isOpenOne = ({ name, conversation }: (typeof people)[number]): boolean =>
    target !== null && ("with" in target ? target.with === name : target.conversation === conversation?.id);
  const stop = Math.max(0, people.findIndex(isOpenOne));
  const isWaiting =
    isOpening || ((state === "connecting" || state === "catching-up" || state === "idle") && more !== "end");

  function go(name: string): void {
    setTyped("");
    surface.open({ with: name });
  }

  function onSubmit(): void {
    const exact = people.find(({ name }) => name === wanted) ?? (isNew ? undefined : people[0]);
    if (exact !== undefined) return go(exact.name);
    field.current?.setCustomValidity(validateName(wanted));
    if (field.current?.reportValidity() === true) go(wanted);
  }

  return (
    <>
      <form
        id="new-form"
        part="search"
        role="search"
        autoComplete="off"
        onSubmit={(event) => (event.preventDefault(), onSubmit())}
      >
        <Icon name="search" />
        <input
          {...{
            ref: field,
            id: "new-to",
            type: "text",
            value: typed,
            required: true,
            autoCapitalize: "none",
            spellCheck: "false" as const,
          }}
          {...{
            "aria-label": "Find or write to somebody",
            placeholder: "Find or write to somebody",
            enterKeyHint: "go",
          }}
          onInput={(event) => {
            event.currentTarget.setCustomValidity("");
            setTyped(event.currentTarget.value);
          }}
          onKeyDown={(event) => {
            if (event.key !== "Escape" || typed === "") return;
            event.stopPropagation();
            setTyped("");
          }}
        />
      </form>
      <nav
        {...{ id: "people", part: "list", "aria-label": "Conversations", onKeyDown: moveFocus }}
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
          if (more === "more" && scrollHeight - scrollTop < 3 * clientHeight) loadMore();
        }}
      >
        <ul id="people-list">
          {people.map((person, at) => (
            <Person
              key={person.name}
              {...{ ...person, self, today, thread: open.get(person.name) ?? null }}
              {...{ isOpen: isOpenOne(person), isTabStop: at === stop }}
            />
          ))}
          {isNew && (
            <li>
              <button type="button" className="person new" onClick={() => field.current?.form?.requestSubmit()}>
                <Avatar name={wanted} />
                <span className="name" dir="auto">
                  {titleOf(wanted, self)}
                </span>
                <span className="last">{wanted === self ? "Write to yourself" : "Write to somebody new"}</span>
              </button>
            </li>
          )}
        </ul>
        {people.length === 0 && wanted === "" && (isWaiting ? <Skeleton /> : <Nobody />)}
        {more === "unreachable" && <p className="note">The rest of the list cannot be reached now.</p>}
      </nav>
    </>
  );
}

const Nobody = (): ReactNode => (
  <div className="nobody">
    <p>No conversations yet.</p>
    <p className="small">Write somebody’s name above to begin one.</p>
  </div>
);

const Skeleton = (): ReactNode => (
  <div className="skeleton" role="status" aria-label="Loading the conversations">
    {[0, 1, 2, 3].map((at) => (
      <div key={at} />
    ))}
  </div>
);

/** Arrows go through the list. */
function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const all = [...event.currentTarget.querySelectorAll<HTMLElement>(".person")];
  const at = all.indexOf(focusedBeside(event.currentTarget) as HTMLElement);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (next === undefined || at < 0 || event.altKey) return;
  event.preventDefault();
  all[Math.min(Math.max(next, 0), all.length - 1)]?.focus();
}
