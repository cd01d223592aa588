import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { focusedBeside } from "./hooks.ts";
import { Icon, type IconName } from "./icon.tsx";

/** A line of a menu. */
export type MenuItem = {
  readonly name: string;
  readonly id?: string;
  readonly isGrave?: boolean;
  readonly onChoose: () => void;
};

type MenuProps = { readonly name: string; readonly icon: IconName; readonly items: readonly MenuItem[] };

/** A button that opens a list of actions: arrows move in it, Escape and a press elsewhere close it. */
export function Menu({ name, icon, items }: MenuProps): ReactNode {
  const [isOpen, setIsOpen] = useState(false);
  const whole = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();

  useEffect(() => {
    if (!isOpen) return;
    whole.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus();
    const onPress = (event: Event): void => {
      // The path, since the target of an event in a shadow is the shadow's host.
      if (whole.current !== null && !event.composedPath().includes(whole.current)) setIsOpen(false);
    };
    document.addEventListener("pointerdown", onPress);
    return () => document.removeEventListener("pointerdown", onPress);
  }, [isOpen]);

  function onKeyDown(event: KeyboardEvent): void {
    if (!isOpen || whole.current === null) return;
    const all = [...whole.current.querySelectorAll<HTMLElement>("[role=menuitem]")];
    const at = all.indexOf(focusedBeside(whole.current) as HTMLElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (next !== undefined) all.at(next % all.length)?.focus();
    else if (event.key === "Escape" || event.key === "Tab") setIsOpen(false);
    else return;
    if (event.key === "Tab") return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape") button.current?.focus();
  }

  return (
    <div className="menu" ref={whole} onKeyDown={onKeyDown}>
      <button
        {...{ ref: button, type: "button", className: "plain round", title: name }}
        {...{
          "aria-label": name,
          "aria-haspopup": "menu",
          "aria-expanded": isOpen,
          "aria-controls": isOpen ? id : undefined,
        }}
        onClick={() => setIsOpen(!isOpen)}
      >
        <Icon name={icon} />
      </button>
      {isOpen && (
        <div role="menu" id={id} aria-label={name}>
          {items.map(({ name: label, id: itemId, isGrave = false, onChoose }) => (
            <button
              key={label}
              {...{ id: itemId, type: "button", role: "menuitem", tabIndex: -1 }}
              className={isGrave ? "plain grave" : "plain"}
              onClick={() => {
                setIsOpen(false);
                button.current?.focus();
                onChoose();
              }}
            >
              {label}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
