/** Runs in a browser: a small chat on the hooks, over a client that the test moves by hand. */
import { createElement as h, memo, startTransition, StrictMode, useEffect, useState } from "react";
import { createRoot, hydrateRoot } from "react-dom/client";
import type { Thread, ThreadRow } from "../../src/client/api.ts";
import {
  Tidings,
  useClient,
  useConversations,
  useOutbox,
  usePresence,
  useReadable,
  useReadMark,
  useStatus,
  useThread,
  useThreadState,
  useTyping,
  useUnread,
} from "../../src/react/index.ts";
import { createFakeClient } from "./fake-client.ts";

const renders: Record<string, number> = {};
const count = (part: string): void => void (renders[part] = (renders[part] ?? 0) + 1);

const Row = memo(function Row({ thread, row }: { readonly thread: Thread; readonly row: ThreadRow }) {
  count("row");
  const ref = useReadMark<HTMLLIElement>(thread, row);
  return h("li", { ref, style: { height: 60 } }, row.text);
});

function Log({ thread }: { readonly thread: Thread }) {
  count("log");
  const { rows } = useThreadState(thread);
  return h(
    "ul",
    { id: "log", style: { height: 200, overflow: "auto", margin: 0 } },
    rows.map((row) => h(Row, { key: row.key, thread, row })),
  );
}

function Composer({ thread }: { readonly thread: Thread }) {
  count("composer");
  const text = useReadable(thread.draft, "");
  return h("input", {
    id: "text",
    value: text,
    onInput: (event: { currentTarget: { value: string } }) => thread.draft.set(event.currentTarget.value),
  });
}

function Status() {
  count("status");
  return h("p", { id: "status" }, useStatus().state);
}

function List() {
  count("list");
  const { conversations } = useConversations();
  return h("p", { id: "list" }, conversations.map(({ id }) => id).join(" "));
}

function About({ thread }: { readonly thread: Thread }) {
  count("about");
  const parts = [usePresence("bob").state, ...useTyping(thread), useUnread().messages, useOutbox().queued];
  return h("p", { id: "about" }, parts.join(" "));
}

function Open() {
  const [user, setUser] = useState("bob");
  const thread = useThread({ with: user });
  useEffect(
    () => void Object.assign(globalThis, { openThread: (name: string) => startTransition(() => setUser(name)) }),
    [],
  );
  return h(
    "main",
    { id: useClient().user },
    h(Log, { key: user, thread }),
    h(Composer, { thread }),
    h(About, { thread }),
  );
}

const App = ({ fake }: { readonly fake: ReturnType<typeof createFakeClient> }) =>
  h(Tidings, { client: fake.client, children: [h(Status, { key: 1 }), h(List, { key: 2 }), h(Open, { key: 3 })] });

Object.assign(globalThis, { createFakeClient, createRoot, hydrateRoot, StrictMode, h, App, renders });
