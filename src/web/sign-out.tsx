import { type ReactNode, useEffect, useRef, useState } from "react";
import { useClient, useOutbox } from "../react/index.ts";
import { signOut } from "./user-session.ts";

type SignOutProps = { readonly tenant: string | undefined; readonly onClose: () => void };

/** Asks before the data of the user is removed from this browser: what was not sent yet goes with it. */
export function SignOut({ tenant, onClose }: SignOutProps): ReactNode {
  const client = useClient();
  const { queued, failed } = useOutbox();
  const [state, setState] = useState<"asks" | "leaves" | "failed">("asks");
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);

  function leave(): void {
    setState("leaves");
    signOut({ user: client.user, ...(tenant !== undefined && { tenant }) }).catch(() => setState("failed"));
  }

  const unsent = queued + failed;
  return (
    <dialog
      ref={dialog}
      aria-labelledby="sign-out-title"
      onClose={() => (state === "failed" ? location.reload() : onClose())}
    >
      <h2 id="sign-out-title">Sign out of this browser?</h2>
      <p>The messages of {client.user} are removed from this browser. They stay on the server.</p>
      {unsent > 0 && (
        <p className="problem">
          {unsent === 1 ? "One message was" : `${unsent} messages were`} not sent yet, and will be lost.
        </p>
      )}
      {state === "failed" && (
        <p className="problem" role="alert">
          They cannot be removed now. Try again.
        </p>
      )}
      <form method="dialog">
        <button className="second" type="submit">
          Stay
        </button>
        <button id="sign-out" type="button" disabled={state === "leaves"} onClick={leave}>
          {unsent > 0 ? "Sign out anyway" : "Sign out"}
        </button>
      </form>
    </dialog>
  );
}
