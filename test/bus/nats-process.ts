/**
 * A process with a transport over NATS, on whatever runtime runs it. Its arguments: the servers; after how many milliseconds to close, or
 * `gap`: soon after the first gap, `gap 500`: 500 milliseconds after it, or `message`: when another node says so; and changes to its pace, as JSON. It prints `gap` and `closed`, and must
 * then end by itself.
 */
import { configureSync } from "@logtape/logtape";
import { natsConfig } from "../../src/bus/nats/nats-config.ts";
import { createNatsTransport, type Pace } from "../../src/bus/nats/nats-transport.ts";

// A host that has configured its logging and wants none: all output is the test's own.
configureSync({ sinks: {}, loggers: [{ category: ["logtape", "meta"], sinks: [] }] });

const [servers = "", when = "gap", pace = "{}"] = process.argv.slice(2);
const transport = createNatsTransport(natsConfig({ servers }), JSON.parse(pace) as Partial<Pace>);
transport.subscribe(["news"], () => {});
transport.subscribe(["close"], () => void close());
const chatter = setInterval(() => transport.publish(["chatter"], "text"), 5);

async function close(): Promise<void> {
  clearInterval(chatter);
  await transport.close();
  console.log("closed");
}

transport.onGap(() => {
  console.log("gap");
  if (when.startsWith("gap")) setTimeout(() => void close(), Number(when.slice(4) || 50));
});
if (/^\d+$/.test(when)) setTimeout(() => void close(), Number(when));
