/** Runs in a browser: the props of `useMuiChat` with a list in place of MUI's, over a client that the test moves by hand. */
import { createElement as h, useState } from "react";
import { createRoot } from "react-dom/client";
import type { Target } from "../../src/client/vault/rows.ts";
import { type MuiChat, useMuiChat } from "../../src/mui/index.ts";
import { Tidings } from "../../src/react/index.ts";
import { createFakeClient } from "../react/fake-client.ts";

const page = globalThis as unknown as { chat: MuiChat; open: (target: Target | null) => void; renders: number };

function Box() {
  const [target, setTarget] = useState<Target | null>(null);
  page.open = setTarget;
  page.chat = useMuiChat({ target, onTarget: setTarget });
  page.renders++;
  const { ref, messages } = page.chat.props;
  const rows = messages.map(({ id, parts }) => h("p", { key: id, "data-message-id": id }, parts[0]?.text));
  return h("div", { ref, style: { height: 300, overflow: "auto" } }, rows);
}

const fake = createFakeClient("alice");
const [bob, carol] = [fake.thread({ with: "bob" }), fake.thread({ with: "carol" })];
Object.assign(globalThis, { fake, bob, carol, renders: 0 });
const root = createRoot((globalThis as unknown as { document: { body: never } }).document.body);
root.render(h(Tidings, { client: fake.client, children: h(Box) }));
