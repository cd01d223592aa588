import { createElement } from "react";
import { createRoot, type Root } from "react-dom/client";
import type { Client, Target } from "../../client/index.ts";
import { absoluteUrl } from "../../client/runtime.ts";
import { dayNamesIn } from "../day.ts";
import type { Surface, View } from "../surface.tsx";
import type { Authenticate, OpenTarget, TidingsChatParts } from "../tidings-chat-types.ts";
import { validateName } from "../validate-name.ts";
import { ChatView, SignedOut } from "./chat-view.tsx";
import { dispatch, reportEvents } from "./events.ts";
import { type Account, accountKey, type Lease, leaseClient, type LeaseKey } from "./lease.ts";
import { sharedStyle } from "./style.ts";

const attributes = ["url", "user", "tenant", "with", "conversation", "view", "token"] as const;
const properties = [...attributes, "authenticate", "client"] as const;

/** `signed-out`: this account was signed out here; the element shows nobody until it gets another one or other credentials. `unwiped`: its data could not be removed. */
type State =
  | { readonly is: "idle" }
  | { readonly is: "used"; readonly key: LeaseKey; readonly lease: Lease }
  | { readonly is: "signed-out"; readonly key: LeaseKey; readonly unwiped: Lease | null };

/** A server that renders has no elements; there the module can be loaded, and nothing else. */
const Base = (globalThis.HTMLElement ?? class {}) as typeof HTMLElement;

export class TidingsChat extends Base implements TidingsChatParts {
  static readonly observedAttributes = [...attributes, "lang"];

  declare url: string | null;
  declare user: string | null;
  declare tenant: string | null;
  declare with: string | null;
  declare conversation: string | null;
  declare view: string | null;
  declare token: string | null;
  declare addEventListener: TidingsChatParts["addEventListener"] & HTMLElement["addEventListener"];

  #state: State = { is: "idle" };
  #root: Root | null = null;
  #surface: Surface | null = null;
  #endReports = (): void => {};
  #isDue = false;
  #authenticate: Authenticate | null = null;
  #fromToken: { readonly token: string; readonly authenticate: Authenticate } | null = null;
  #ownClient: Client | null = null;
  /** The open conversation. `chosenBy`: the user who chose it in the element; null: the host did. */
  #shown: { readonly target: Target | null; readonly chosenBy: string | null } = { target: null, chosenBy: null };

  get authenticate(): Authenticate | null {
    return this.#authenticate;
  }

  set authenticate(authenticate: Authenticate | null) {
    this.#authenticate = authenticate;
    this.#again();
  }

  get client(): Client | null {
    this.#update();
    return this.#state.is === "used" ? this.#state.lease.client : null;
  }

  set client(client: Client | null) {
    this.#ownClient = client;
    this.#again();
  }

  open(target: OpenTarget): void {
    this.#shown = { target: typeof target === "string" ? { with: target } : target, chosenBy: null };
    this.#schedule();
  }

  async signOut(): Promise<{ readonly unsent: number }> {
    this.#update();
    const state = this.#state;
    const lease = state.is === "used" ? state.lease : state.is === "signed-out" ? state.unwiped : null;
    if (lease === null) return { unsent: 0 };
    let unwiped: Lease | null = lease;
    try {
      const result = await lease.signOut();
      unwiped = null;
      return result;
    } finally {
      if (this.#state.is === "signed-out") this.#state = { ...this.#state, unwiped };
    }
  }

  override focus(options?: FocusOptions): void {
    this.shadowRoot?.querySelector<HTMLElement>("#text, #new-to")?.focus(options);
  }

  connectedCallback(): void {
    for (const name of properties) this.#take(name);
    if (this.shadowRoot === null) this.attachShadow({ mode: "open" }).adoptedStyleSheets = [...sharedStyle()];
    this.#surface = null;
    this.#schedule();
  }

  disconnectedCallback(): void {
    this.#schedule();
  }

  attributeChangedCallback(name: string): void {
    if (name === "with" || name === "conversation") this.#showNamed();
    if (name === "lang") this.#surface = null;
    if (name === "view" || name === "with" || name === "conversation" || name === "lang") this.#schedule();
    else this.#again();
  }

  /** A property that the host has set before the element was defined hides the accessor of the class. */
  #take(name: (typeof properties)[number]): void {
    if (!Object.hasOwn(this, name)) return;
    const { [name]: value } = this as Record<string, unknown>;
    delete (this as Record<string, unknown>)[name];
    (this as Record<string, unknown>)[name] = value;
  }

  /** The host has given something to try: also an account that was signed out is shown again. */
  #again(): void {
    if (this.#state.is === "signed-out") this.#state = { is: "idle" };
    this.#schedule();
  }

  /** Several attributes are set one after the other, and an element that is moved is removed and added: one update for all of it. */
  #schedule(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => this.#update());
  }

  #update(): void {
    if (!this.#isDue) return;
    this.#isDue = false;
    if (this.isConnected) this.#use();
    else this.#end();
    this.#render();
  }

  /** Has the client of the account that the attributes name. */
  #use(): void {
    const account = this.#account();
    const key = this.#ownClient ?? (account && accountKey(account));
    const state = this.#state;
    if (state.is === "signed-out" && state.key === key) return;
    if (state.is === "used" && state.key === key) return state.lease.offer(this.#credentials());
    this.#end();
    const of = this.#ownClient ?? account;
    if (of === null || key === null) return;
    const lease = leaseClient(of, () => this.#signedOut(key));
    const { chosenBy } = this.#shown;
    if (chosenBy !== null && chosenBy !== ownerOf(lease.client)) this.#showNamed();
    this.#state = { is: "used", key, lease };
    // Before it connects, which it does in a later turn.
    lease.offer(this.#credentials());
    this.#endReports = this.#report(lease.client);
  }

  #report(client: Client): () => void {
    return reportEvents({ client, element: this, only: () => (this.#view() === "thread" ? this.#shown.target : null) });
  }

  #end(): void {
    this.#leave({ is: "idle" });
  }

  #leave(next: State): void {
    this.#endReports();
    this.#endReports = () => {};
    if (this.#state.is === "used") this.#state.lease.release();
    this.#state = next;
  }

  #signedOut(key: LeaseKey): void {
    if (this.#state.is !== "used" || this.#state.key !== key) return;
    this.#leave({ is: "signed-out", key, unwiped: null });
    this.#render();
  }

  #account(): Account | null {
    const { url, user } = this;
    const tenant = this.tenant || null;
    if (url === null || user === null) return null;
    if (validateName(user) !== "" || (tenant !== null && validateName(tenant) !== "")) return null;
    const at = URL.canParse(url, document.baseURI) ? absoluteUrl(new URL(url, document.baseURI).href) : null;
    return at === null ? null : { url: at, user, tenant };
  }

  #credentials(): Authenticate | null {
    const { token } = this;
    if (this.#authenticate !== null || token === null) return this.#authenticate;
    if (this.#fromToken?.token !== token) this.#fromToken = { token, authenticate: async () => ({ token }) };
    return this.#fromToken.authenticate;
  }

  /** The thread that the attributes name. */
  #named(): Target | null {
    const { with: other, conversation } = this;
    return other !== null ? { with: other } : conversation !== null ? { conversation } : null;
  }

  #showNamed(): void {
    this.#shown = { target: this.#named(), chosenBy: null };
  }

  #view(): View {
    const { view } = this;
    if (view === "full" || view === "list" || view === "thread") return view;
    return this.#named() === null ? "full" : "thread";
  }

  #render(): void {
    const { shadowRoot } = this;
    if (shadowRoot === null) return;
    const state = this.#state;
    const { target, chosenBy } = this.#shown;
    const surface = (this.#surface ??= this.#surfaceIn(shadowRoot));
    this.#root ??= createRoot(shadowRoot.appendChild(newPlace()));
    if (state.is === "idle") return this.#root.render(null);
    if (state.is === "signed-out") return this.#root.render(createElement(SignedOut));
    const { client, id } = state.lease;
    const isValid = target === null || !("with" in target) || validateName(target.with) === "";
    const shown = { view: this.#view(), target: isValid ? target : null, takesFocus: chosenBy !== null };
    // Nothing of a client is ever on screen with the next one.
    this.#root.render(createElement(ChatView, { key: id, client, surface, ...shown }));
  }

  #surfaceIn(root: ShadowRoot): Surface {
    return {
      ...{ root, isPage: false, days: dayNamesIn(languageOf(this)), onOtherUser: null },
      ...{ hrefOf: () => null, peerHref: () => null },
      open: (target) => {
        if (!dispatch(this, { name: "tidings-open", detail: target })) return;
        this.#shown = { target, chosenBy: this.#state.is === "used" ? ownerOf(this.#state.lease.client) : null };
        this.#render();
      },
    };
  }
}

/** Whose data a client shows. */
const ownerOf = ({ scope }: Client): string => JSON.stringify(scope);

for (const name of attributes)
  Object.defineProperty(TidingsChat.prototype, name, {
    get(this: TidingsChat) {
      return this.getAttribute(name);
    },
    set(this: TidingsChat, value: string | null | undefined) {
      if (value === null || value === undefined) this.removeAttribute(name);
      else this.setAttribute(name, value);
    },
    enumerable: true,
    configurable: true,
  });

/** Where the chat is drawn. Its own texts are English, whatever the language of the page is. */
const newPlace = (): HTMLElement => Object.assign(document.createElement("div"), { id: "root", lang: "en" });

/** The language of the page around an element; undefined: it names none, or none that there is. */
function languageOf(element: Element): string | undefined {
  const named = element.closest<HTMLElement>("[lang]");
  const around = element.getRootNode();
  if (named === null) return around instanceof ShadowRoot ? languageOf(around.host) : undefined;
  try {
    return Intl.getCanonicalLocales(named.lang)[0];
  } catch {
    return undefined;
  }
}
