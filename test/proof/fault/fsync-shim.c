/*
 * Loaded into a server by LD_PRELOAD: while the file named by FSYNC_SHIM_FLAG exists, fsync and fdatasync fail with EIO on
 * every file with FSYNC_SHIM_NAME in its name. Everything else goes to the C library.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int (*sync_call)(int);

static int must_fail(int fd) {
  const char *flag = getenv("FSYNC_SHIM_FLAG");
  const char *name = getenv("FSYNC_SHIM_NAME");
  if (flag == NULL || name == NULL || access(flag, F_OK) != 0) return 0;
  char link[64];
  char path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = '\0';
  return strstr(path, name) != NULL;
}

static int forward(const char *name, int fd) {
  if (must_fail(fd)) {
    errno = EIO;
    return -1;
  }
  sync_call real = (sync_call)dlsym(RTLD_NEXT, name);
  return real(fd);
}

int fsync(int fd) { return forward("fsync", fd); }
int fdatasync(int fd) { return forward("fdatasync", fd); }
