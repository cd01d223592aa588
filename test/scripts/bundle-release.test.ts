import { expect, test } from "bun:test";
import { bundleRelease } from "../../scripts/bundle-release.ts";
import { hasCommit } from "../support/old-release.ts";
import { releaseBefore, scriptOfReleaseBefore } from "../support/release-before.ts";

// The tests that run it need no history, so a clone without it goes without this as well.
test.skipIf(!hasCommit(releaseBefore))(
  "the server of the release before is what the script makes of its commit",
  async () => {
    expect((await bundleRelease(releaseBefore)) === scriptOfReleaseBefore()).toBe(true);
  },
);
