import chatCss from "../chat.css" with { type: "text" };

/**
 * The host's own rules win over these of the element itself, and neither reach what is inside. Properties that are inherited begin anew there, except those
 * by which a page hides a part of itself or chooses dark.
 */
const elementCss = `
:host { display: block; height: 32rem; }
:host([hidden]) { display: none; }
#root {
  all: initial;
  display: block;
  --rem: var(--tidings-font-size, max(16px, 1rem));
  color-scheme: inherit;
  visibility: inherit;
  pointer-events: inherit;
  overflow: hidden;
  isolation: isolate;
  border-radius: inherit;
}`;

/** Pages set the size of their root element for their own use: lengths of the chat follow a property instead. */
const withOwnRem = (css: string): string => css.replaceAll(/(-?[\d.]+)rem\b/g, "calc($1 * var(--rem))");

let sheets: readonly CSSStyleSheet[] | null = null;

/** The style of every element of the page, which a policy without inline styles allows. */
export function sharedStyle(): readonly CSSStyleSheet[] {
  sheets ??= [elementCss, withOwnRem(chatCss)].map((css) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    return sheet;
  });
  return sheets;
}
