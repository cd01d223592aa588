import { expect, test } from "bun:test";
import { isSafeUrl, safeUrlOf } from "../../src/internal/safe-url.ts";

test("secrets are sent over https, and over http to this machine only", () => {
  for (const url of ["https://id.example/keys", "http://localhost:1", "http://127.1/", "http://[::1]:80/x"])
    expect(safeUrlOf(url)?.href).toBe(new URL(url).href);
  for (const url of ["http://id.example", "http://localhost.example", "ftp://localhost", "localhost", "", "//x"])
    expect(safeUrlOf(url)).toBeNull();
});

test("a user name or a password is not safe in a URL", () => {
  expect(isSafeUrl("https://id.example")).toBe(true);
  for (const url of ["https://me@id.example", "https://:secret@id.example", "http://id.example"])
    expect(isSafeUrl(url)).toBe(false);
});
