/**
 * A script that runs before the page's own, which does not know it. `holdAt = NAME` arms it: at this step the page stands still, in a request that
 * the wire never answers. Each step is once, before or after the browser's own function.
 */
export const holdScript = `(() => {
  globalThis.holdAt = null;
  const hold = (at) => {
    if (globalThis.holdAt !== at) return;
    globalThis.holdAt = null;
    const request = new XMLHttpRequest();
    request.open("GET", "/hold?at=" + encodeURIComponent(at), false);
    try { request.send(); } catch {}
  };
  addEventListener("keydown", ({ key }) => key === "Enter" && hold("Enter"), true);

  /** "row" or "message", by what a transaction puts. */
  const kinds = new WeakMap();
  const nameOf = (store) => store === "outbox" ? "row" : store === "message" ? "message" : null;
  const { put } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.put = function (...args) {
    const kind = nameOf(this.name);
    if (kind !== null && !kinds.has(this.transaction)) {
      kinds.set(this.transaction, kind);
      hold(kind + " before its put");
    }
    return put.apply(this, args);
  };
  const { commit } = IDBTransaction.prototype;
  IDBTransaction.prototype.commit = function () {
    const kind = kinds.get(this);
    if (kind) hold(kind + " before its commit");
    commit.call(this);
    if (kind) hold(kind + " after the call of commit");
  };
  const { transaction } = IDBDatabase.prototype;
  IDBDatabase.prototype.transaction = function (...args) {
    const made = transaction.apply(this, args);
    // Before the page's own listener.
    made.addEventListener("complete", () => kinds.has(made) && hold(kinds.get(made) + " on disk"));
    return made;
  };

  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (text) {
    const isSend = String(text).startsWith('{"type":"send"');
    if (isSend) hold("before it is sent");
    send.call(this, text);
    if (isSend) hold("after it is sent");
  };
  globalThis.WebSocket = class extends WebSocket {
    constructor(...args) {
      super(...args);
      this.addEventListener("message", ({ data }) => {
        if (String(data).includes('"accepted"')) hold("accepted has come");
        if (String(data).includes('"kind":"receipt"')) hold("the receipt has come");
      });
    }
  };
})()`;

/** Where the text must be after the crash. `either`: the browser may or may not have done what it was told. */
export type Outcome = "composer" | "log" | "either";

/** One moment of a send at which the tab dies. */
export type CrashStep = {
  readonly name: string;
  readonly outcome: Outcome;
  /** How the page is brought there. `queued`: it was written without a network, and goes out now. */
  readonly written: "online" | "queued";
  /** The page stands still at this step of its own script, or the wire keeps its bytes. */
  readonly at: { readonly hold: string } | { readonly wire: "up" | "down" | "receipt" };
};

const held = (hold: string, outcome: Outcome): CrashStep => ({
  name: hold,
  outcome,
  written: "online",
  at: { hold },
});
const queued = (hold: string): CrashStep => ({
  name: `${hold}, of a message that was written without a network`,
  outcome: "log",
  written: "queued",
  at: { hold },
});

/** Every step from Enter to `delivered`, in order. */
export const crashSteps: readonly CrashStep[] = [
  held("Enter", "composer"),
  held("row before its put", "composer"),
  held("row before its commit", "composer"),
  held("row after the call of commit", "either"),
  held("row on disk", "log"),
  held("before it is sent", "log"),
  held("after it is sent", "log"),
  { name: "the frame is on its way", outcome: "log", written: "online", at: { wire: "up" } },
  {
    name: "the server has it on disk, accepted is on its way",
    outcome: "log",
    written: "online",
    at: { wire: "down" },
  },
  held("accepted has come", "log"),
  held("message before its put", "log"),
  held("message before its commit", "log"),
  held("message after the call of commit", "log"),
  held("message on disk", "log"),
  { name: "delivered is on its way", outcome: "log", written: "online", at: { wire: "receipt" } },
  held("the receipt has come", "log"),
  queued("row before its put"),
  queued("row after the call of commit"),
  queued("row on disk"),
  queued("after it is sent"),
];

/** The step of this name. */
export function stepOf(name: string): CrashStep {
  const step = crashSteps.find((one) => one.name === name);
  if (step === undefined) throw new Error(`There is no step ${name}`);
  return step;
}
