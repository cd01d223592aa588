/** The standalone server. A signal is obeyed from the first moment: everything else is loaded after its handler is there. */
import "./server/signals.ts";

await import("./server/main.ts");
