/*
 * Preloaded into a server, it records the process's changes to its database's files, so that a power loss at any
 * instant can be replayed afterwards (disk.ts). Each record is one append to one trace, to which the clients append too: the
 * order of the trace is the order of events. A change is recorded after it was made, and only if it was; an
 * fsync thus never counts before it is done.
 *
 *   TRACE_FILE     where to append
 *   TRACE_PREFIX   the beginning of the files' absolute paths; "-shm" is left out: it is not needed after a crash
 *   TRACE_KILL_AT  the number of the change before which the process kills itself: never in the middle of one
 *   TRACE_KILL_AT_SYNC  the same for an fsync
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* As trace.ts reads it; the path and the data follow. */
enum { OPEN = 1, WRITE, TRUNCATE, SYNC, UNLINK, RENAME, SYNC_FOLDER };
struct header {
  uint32_t bytes;
  uint32_t kind;
  uint64_t inode;
  /* WRITE: where. TRUNCATE, OPEN: the file's bytes. */
  uint64_t offset;
  uint32_t path_bytes;
  uint32_t is_new;
};

#define FDS 65536
#define FOLDER 1
/* The inode of a traced file, FOLDER for their folder, 0 for any other file. */
static uint64_t inodes[FDS];
static int trace = -1;
static const char *prefix;
static char folder[4096];
static uint64_t changes, kill_at, syncs, kill_at_sync;

__attribute__((constructor)) static void start(void) {
  const char *file = getenv("TRACE_FILE");
  const char *at = getenv("TRACE_KILL_AT");
  const char *at_sync = getenv("TRACE_KILL_AT_SYNC");
  prefix = getenv("TRACE_PREFIX");
  if (file == NULL || prefix == NULL || strlen(prefix) >= sizeof folder) return;
  strcpy(folder, prefix);
  char *slash = strrchr(folder, '/');
  if (slash != NULL) *slash = 0;
  kill_at = at == NULL ? 0 : strtoull(at, NULL, 10);
  kill_at_sync = at_sync == NULL ? 0 : strtoull(at_sync, NULL, 10);
  trace = (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

static int is_traced(const char *path) {
  if (trace < 0 || path == NULL || strncmp(path, prefix, strlen(prefix)) != 0) return 0;
  size_t length = strlen(path);
  return length < 4 || strcmp(path + length - 4, "-shm") != 0;
}

static uint64_t inode_of(int fd) { return trace >= 0 && fd >= 0 && fd < FDS ? inodes[fd] : 0; }

static void die(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

static void before_change(void) {
  if (++changes == kill_at) die();
}

static void record(struct header header, const char *path, const struct iovec *data, int parts) {
  int saved = errno;
  struct iovec all[2 + 16] = {{&header, sizeof header}, {(void *)path, path == NULL ? 0 : strlen(path)}};
  size_t bytes = sizeof header + all[1].iov_len;
  if (parts > 16) abort();
  for (int i = 0; i < parts; i++) {
    all[2 + i] = data[i];
    bytes += data[i].iov_len;
  }
  header.path_bytes = (uint32_t)all[1].iov_len;
  header.bytes = (uint32_t)bytes;
  /* One call, so that the record stays whole. A trace with a hole would prove nothing. */
  if (syscall(SYS_writev, trace, all, 2 + parts) != (ssize_t)bytes) abort();
  errno = saved;
}

#define REAL(name) \
  static __typeof__(&name) real; \
  if (real == NULL) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static void opened(int fd, const char *path, int is_new, int flags) {
  struct stat status;
  if (fd < 0 || fd >= FDS || trace < 0) return;
  inodes[fd] = 0;
  if (strcmp(path, folder) == 0) inodes[fd] = FOLDER;
  if (!is_traced(path) || fstat(fd, &status) != 0) return;
  inodes[fd] = status.st_ino;
  struct header header = {.kind = OPEN, .inode = status.st_ino, .offset = (uint64_t)status.st_size, .is_new = is_new};
  record(header, path, NULL, 0);
  if ((flags & O_TRUNC) != 0 && !is_new) record((struct header){.kind = TRUNCATE, .inode = status.st_ino}, NULL, NULL, 0);
}

static mode_t mode_of(int flags, va_list rest) {
  return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(rest, mode_t) : 0;
}

#define DEFINE_OPEN(name) \
  int name(const char *path, int flags, ...) { \
    REAL(name); \
    va_list rest; \
    va_start(rest, flags); \
    mode_t mode = mode_of(flags, rest); \
    va_end(rest); \
    int is_new = 0; \
    if (is_traced(path) && (flags & (O_CREAT | O_TRUNC)) != 0) { \
      is_new = (flags & O_CREAT) != 0 && access(path, F_OK) != 0; \
      if (is_new || (flags & O_TRUNC) != 0) before_change(); \
    } \
    int fd = real(path, flags, mode); \
    opened(fd, path, is_new, flags); \
    return fd; \
  }
DEFINE_OPEN(open)
DEFINE_OPEN(open64)

int close(int fd) {
  REAL(close);
  if (fd >= 0 && fd < FDS) inodes[fd] = 0;
  return real(fd);
}

static ssize_t wrote(int fd, const void *data, ssize_t count, off64_t offset) {
  if (count <= 0) return count;
  struct iovec part = {(void *)data, (size_t)count};
  record((struct header){.kind = WRITE, .inode = inode_of(fd), .offset = (uint64_t)offset}, NULL, &part, 1);
  return count;
}

#define DEFINE_PWRITE(name, offset_type) \
  ssize_t name(int fd, const void *data, size_t bytes, offset_type offset) { \
    REAL(name); \
    if (inode_of(fd) <= FOLDER) return real(fd, data, bytes, offset); \
    before_change(); \
    return wrote(fd, data, real(fd, data, bytes, offset), offset); \
  }
DEFINE_PWRITE(pwrite, off_t)
DEFINE_PWRITE(pwrite64, off64_t)

ssize_t write(int fd, const void *data, size_t bytes) {
  REAL(write);
  if (inode_of(fd) <= FOLDER) return real(fd, data, bytes);
  before_change();
  ssize_t count = real(fd, data, bytes);
  return wrote(fd, data, count, lseek64(fd, 0, SEEK_CUR) - count);
}

/* libSQL does not write its files in this way; if it begins to, the trace must not be silently short. */
ssize_t writev(int fd, const struct iovec *parts, int count) {
  REAL(writev);
  if (inode_of(fd) > FOLDER) abort();
  return real(fd, parts, count);
}

#define DEFINE_TRUNCATE(name, size_type) \
  int name(int fd, size_type size) { \
    REAL(name); \
    if (inode_of(fd) <= FOLDER) return real(fd, size); \
    before_change(); \
    int result = real(fd, size); \
    struct header header = {.kind = TRUNCATE, .inode = inode_of(fd), .offset = (uint64_t)size}; \
    if (result == 0) record(header, NULL, NULL, 0); \
    return result; \
  }
DEFINE_TRUNCATE(ftruncate, off_t)
DEFINE_TRUNCATE(ftruncate64, off64_t)

#define DEFINE_SYNC(name) \
  int name(int fd) { \
    REAL(name); \
    uint64_t inode = inode_of(fd); \
    if (inode == 0) return real(fd); \
    before_change(); \
    if (++syncs == kill_at_sync) die(); \
    int result = real(fd); \
    struct header header = {.kind = inode == FOLDER ? SYNC_FOLDER : SYNC, .inode = inode}; \
    if (result == 0) record(header, NULL, NULL, 0); \
    return result; \
  }
DEFINE_SYNC(fsync)
DEFINE_SYNC(fdatasync)

int unlink(const char *path) {
  REAL(unlink);
  if (!is_traced(path)) return real(path);
  before_change();
  int result = real(path);
  if (result == 0) record((struct header){.kind = UNLINK}, path, NULL, 0);
  return result;
}

int rename(const char *from, const char *to) {
  REAL(rename);
  if (!is_traced(from) && !is_traced(to)) return real(from, to);
  before_change();
  int result = real(from, to);
  struct iovec target = {(void *)to, strlen(to)};
  if (result == 0) record((struct header){.kind = RENAME}, from, &target, 1);
  return result;
}
