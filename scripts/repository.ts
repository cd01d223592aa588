/** The field `repository` of a package.json. */
export type Repository = { readonly type: "git"; readonly url: string };

/**
 * Where this repository is published, from its git remote `origin`; null where it has none that others can reach. A package.json may say
 * something else.
 */
export async function repositoryOf(folder: string): Promise<Repository | null> {
  const child = Bun.spawn(["git", "remote", "get-url", "origin"], { cwd: folder, stdout: "pipe", stderr: "ignore" });
  const [said, code] = await Promise.all([child.stdout.text(), child.exited]);
  return code === 0 ? repositoryAt(said.trim()) : null;
}

/**
 * A remote of git as a package.json names it: over https, without the credentials that it may contain. null: a folder, or no address.
 *
 * @example
 * repositoryAt("git@git.example:chat/tidings.git") // { type: "git", url: "git+https://git.example/chat/tidings.git" }
 */
export function repositoryAt(remote: string): Repository | null {
  const [, host, path] =
    /^(?:https|ssh|git):\/\/(?:[^@/]*@)?([\w.-]+)(?::\d+)?\/(.+)$/.exec(remote) ??
    /^(?:[\w.-]+@)([\w.-]+):(?!\/)(.+)$/.exec(remote) ??
    [];
  if (host === undefined || path === undefined) return null;
  return { type: "git", url: `git+https://${host}/${path.replace(/(\.git)?\/?$/, ".git")}` };
}
