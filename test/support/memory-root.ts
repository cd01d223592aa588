import { existsSync } from "node:fs";
import { tmpdir } from "node:os";

/** Where tests keep databases that they sync often: in memory, where the machine has such a folder. No test cuts the real power. */
export const memoryRoot = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
