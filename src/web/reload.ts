/** Loads the page again if its server answers: where it does not, the browser would put a page of its own in the place of this one. False: it does not. */
export async function reload(): Promise<boolean> {
  try {
    await fetch("/", { method: "HEAD", cache: "no-store" });
  } catch {
    return false;
  }
  location.reload();
  return true;
}
