import { isIdentifier } from "../protocol/identifier.ts";
import { validateName, parameter, socketUrl } from "./address.ts";
import { openChat } from "./chat.ts";
import { createLink, type LinkState } from "./link.ts";
import { byId, setText, show, showLink } from "./view.ts";

type Config = { readonly auth: "demo" | "jwt" };

const configRetryMs = 1_000;
/** Asks the server which user a cookie names; it acks nothing. */
const askingDevice = "web-who";

/** Shows the state of the connection, and counts down while it waits. */
function createLinkView(): (state: LinkState) => void {
  let counting: ReturnType<typeof setInterval> | undefined;
  return (state) => {
    clearInterval(counting);
    showLink(state);
    if (state.kind === "waiting") counting = setInterval(showLink, 250, state);
  };
}

async function readConfig(): Promise<Config> {
  for (;;) {
    try {
      const response = await fetch("/config.json");
      return (await response.json()) as Config;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, configRetryMs));
    }
  }
}

/** The server names the user if the address does not. */
function askWho(onLink: (state: LinkState) => void): Promise<string> {
  document.body.dataset["view"] = "people";
  return new Promise((resolve) => {
    const link = createLink({
      url: () => socketUrl({ tenant: parameter("tenant"), device: askingDevice }),
      onLink,
      onFrame(frame) {
        if (frame.type !== "welcome") return;
        link.close();
        resolve(frame.user);
      },
    });
    byId("retry").onclick = link.hurry;
    link.connect();
  });
}

/** The form that asks for the names; the browser makes the page's next address from the answers. */
function showStart(problem: string | null): void {
  document.body.dataset["view"] = "start";
  show("start-problem", problem !== null);
  setText(byId("start-problem"), problem ?? "");
  const [self, other] = [byId<HTMLInputElement>("start-user"), byId<HTMLInputElement>("start-to")];
  const tenant = byId<HTMLInputElement>("start-tenant");
  self.value = parameter("user") ?? "";
  other.value = parameter("to") ?? "";
  tenant.value = parameter("tenant") ?? "";
  tenant.disabled = !isIdentifier(tenant.value);
  byId("start-form").oninput = () => {
    self.setCustomValidity(self.value === "" ? "" : validateName(self.value));
    other.setCustomValidity(other.value === "" ? "" : validateName(other.value, self.value));
  };
  self.focus();
}

/** Where the keyboard covers the page (iOS), the page gets the height of the part that is visible. */
function followKeyboard(): void {
  const viewport = window.visualViewport;
  viewport?.addEventListener("resize", () => {
    if (viewport.scale !== 1) return;
    document.documentElement.style.setProperty("--height", `${viewport.height}px`);
    scrollTo(0, 0);
  });
}

async function main(): Promise<void> {
  followKeyboard();
  const onLink = createLinkView();
  const { auth } = await readConfig();
  if (auth === "jwt") return openChat({ user: await askWho(onLink), isDemo: false, onLink });
  const [user, tenant, device] = [parameter("user"), parameter("tenant"), parameter("device")];
  if (user === undefined) return showStart(null);
  const wrong = Object.entries({ user, tenant, device }).find(
    ([, value]) => value !== undefined && !isIdentifier(value),
  );
  if (wrong) return showStart(`The “${wrong[0]}” of this link is not one that Tidings takes.`);
  openChat({ user, isDemo: true, onLink });
}

void main();
