import type { ReactNode } from "react";

const paths = {
  back: "M15 5l-7 7 7 7",
  send: "M12 19V5M6 11l6-6 6 6",
  more: "M12 5.5v.01M12 12v.01M12 18.5v.01",
  down: "M12 5v14M6 13l6 6 6-6",
  search: "M10.5 4.5a6 6 0 1 0 0 12 6 6 0 1 0 0-12M15 15l4.5 4.5",
  close: "M6 6l12 12M18 6L6 18",
  write: "M4 20h4L19 9l-4-4L4 16v4M13 7l4 4",
  muted: "M5 9.5v5h3.5L13 18.5v-13L8.5 9.5H5M16.5 9.5l5 5M21.5 9.5l-5 5",
  waiting: "M12 5.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 1 0 0-13M12 8.5V12l2.4 1.6",
  accepted: "M6 12.6l4 4 8-9",
  delivered: "M2.5 12.6l4 4 8-9M11.5 15.6l1 1 8-9",
  read: "M2.5 10.6l4 4 8-9M11.5 13.6l1 1 8-9M5 19.5h14",
  failed: "M12 5.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 1 0 0-13M12 9v3.4M12 15.2v.05",
} as const;

export type IconName = keyof typeof paths;

/** A picture beside a word, or in a button that has a name of its own. */
export const Icon = ({ name }: { readonly name: IconName }): ReactNode => (
  <svg viewBox="0 0 24 24" aria-hidden="true" className={`icon-${name}`}>
    <path d={paths[name]} />
  </svg>
);

const hueCount = 6;

/** The first letter of a name, in a colour of the name's own. */
export function Avatar({ name }: { readonly name: string }): ReactNode {
  let hash = 0;
  for (const char of name) hash = (hash * 31 + char.charCodeAt(0)) % 9_973;
  // The second expression takes the browser long to prepare, and few names need it.
  const [letter = "?"] = /^[a-z0-9]/i.exec(name) ?? /[\p{L}\p{N}]/u.exec(name) ?? [];
  return (
    <span className="avatar" aria-hidden="true" data-hue={hash % hueCount}>
      {letter.toUpperCase()}
    </span>
  );
}
