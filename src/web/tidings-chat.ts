/** `<tidings-chat>`, for a script tag and for `import "tidings/element"`. */
import { TidingsChat } from "./element/element.ts";

export { TidingsChat };

// A page may load it twice, and a server that renders has no elements.
if (typeof customElements !== "undefined" && customElements.get("tidings-chat") === undefined)
  customElements.define("tidings-chat", TidingsChat);
