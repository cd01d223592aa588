import { type ReactNode, useEffect, useRef } from "react";
import { isIdentifier } from "../protocol/identifier.ts";
import { parameter } from "./address.ts";
import { validateName } from "./validate-name.ts";

/** The form that asks for the names; the browser makes the page's next address from the answers. */
export function StartForm({ problem }: { readonly problem: string | null }): ReactNode {
  const [self, other] = [useRef<HTMLInputElement>(null), useRef<HTMLInputElement>(null)];
  const tenant = parameter("tenant") ?? "";
  useEffect(() => self.current?.focus(), [self]);
  const validate = (): void => {
    const [name, to] = [self.current?.value ?? "", other.current?.value ?? ""];
    self.current?.setCustomValidity(name === "" ? "" : validateName(name));
    other.current?.setCustomValidity(to === "" ? "" : validateName(to));
  };
  const field = { autoCapitalize: "none", spellCheck: "false" as const };
  return (
    <main id="start" className="front">
      <form method="get" action="/" autoComplete="off" onInput={validate}>
        <Brand />
        <p>Messages that are never lost, never doubled, never out of order.</p>
        {problem !== null && (
          <p id="start-problem" className="problem" role="alert">
            {problem}
          </p>
        )}
        <label htmlFor="start-user">You are</label>
        <input
          ref={self}
          id="start-user"
          name="user"
          required
          placeholder="alice"
          defaultValue={parameter("user")}
          {...field}
        />
        <label htmlFor="start-to">You write to</label>
        <input ref={other} id="start-to" name="to" placeholder="bob" defaultValue={parameter("to")} {...field} />
        {isIdentifier(tenant) && <input name="tenant" type="hidden" defaultValue={tenant} />}
        <button type="submit">Start chatting</button>
        <p className="small">
          A demo: everybody is who they say they are. Open a second window as somebody else and write.
        </p>
      </form>
    </main>
  );
}

type NoticeProps = { readonly title: string; readonly text: string; readonly onRetry: () => void };

/** The whole page, where there is nobody whose messages it could show. */
export const Notice = ({ title, text, onRetry }: NoticeProps): ReactNode => (
  <main className="front">
    <div role="alert">
      <Brand />
      <h2>{title}</h2>
      <p>{text}</p>
      <button type="button" onClick={onRetry}>
        Try again
      </button>
    </div>
  </main>
);

const Brand = (): ReactNode => (
  <>
    <img src="/favicon.svg" alt="" width="48" height="48" />
    <h1>Tidings</h1>
  </>
);
