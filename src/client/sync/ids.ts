import { hex } from "../../internal/sha256.ts";
import type { Environment } from "../environment.ts";

/** Message ids that grow: their order is the order of writing, also where the clock goes back. */
export interface Ids {
  /** A UUIDv7 (RFC 9562) greater than all before it. */
  next(): string;
  /** An id that exists: the next one is greater. */
  pass(id: string): void;
}

/** The counter begins in the lower half of its 12 bits, so that it has room. */
const counterMax = 0xfff;

export function createIds({ clock, randomBytes }: Pick<Environment, "clock" | "randomBytes">): Ids {
  let time = 0;
  let counter = 0;
  return {
    pass(id) {
      const passed = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
      if (passed < time) return;
      counter = Math.max(passed === time ? counter : 0, Number.parseInt(id.slice(15, 18), 16));
      time = passed;
    },
    next() {
      const bytes = randomBytes(10);
      const now = clock.now();
      if (now > time) {
        time = now;
        counter = (((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0)) & (counterMax >> 1);
      } else if (++counter > counterMax) {
        time++;
        counter = 0;
      }
      return formatId({ time, counter, rest: hex(bytes.subarray(2)) });
    },
  };
}

/** `value` in hexadecimal, with this many digits. */
export const digits = (value: number, length: number): string =>
  value.toString(16).padStart(length, "0").slice(-length);

/** A UUIDv7. `rest`: 16 hexadecimal digits, of which two bits give way to the variant. */
export function formatId({ time, counter, rest }: { time: number; counter: number; rest: string }): string {
  const head = digits(time, 12);
  const variant = digits(8 + (Number.parseInt(rest.slice(0, 1), 16) % 4), 1);
  return `${head.slice(0, 8)}-${head.slice(8)}-7${digits(counter, 3)}-${variant}${rest.slice(1, 4)}-${rest.slice(4)}`;
}
