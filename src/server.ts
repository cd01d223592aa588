/** The standalone server. A signal is obeyed from the first moment: everything else is loaded after its handler is there. */
import "./standalone/signals.ts";

await import("./standalone/main.ts");
