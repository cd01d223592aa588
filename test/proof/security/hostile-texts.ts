/** Texts that look different in logs, terminals or print from what they are. */
export const hostileTexts: readonly string[] = [
  'x\r\n{"time":"2026-01-01T00:00:00.000Z","level":"fatal","category":"tidings","message":"forged"}',
  "x\nforged",
  "x\rforged",
  "x\u2028forged\u2029forged",
  "x\u0085forged\u000bforged\u000cforged",
  "\u001b[2J\u001b[31mforged\u001b[0m",
  "\u009b31mforged",
  "x\u0000forged",
  "x\u202eforged\u2066",
  "x\u200bforged\ufeff",
  '"}\n{"forged":true',
  "${jndi:ldap://127.0.0.1/forged}%n%s{}",
];

/** Names that look like `alice`, or like nothing. */
export const hostileNames: readonly string[] = [
  ...hostileTexts,
  "\u0430lice",
  "ａlice",
  "alice\u0301",
  "zo\u00eb",
  "zoe\u0308",
  "alice ",
  " alice",
  "ali\u200dce",
  "\u202ealice",
  "alice\u0000",
  "alice/../bob",
  "<script>",
  "a,b",
  "a*b",
  "a>b",
  "",
  "x".repeat(129),
];
