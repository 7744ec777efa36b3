/* Loaded before libc into the command under test (LD_PRELOAD): counts the calls that change files
   below a folder, and makes one of them fail or the process die in it, as its plan says.

   The plan is a file that all processes map, so that a count goes on from process to process; see
   failing.py, which writes it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { COUNT, KILL, TEAR, FAIL }; /* what happens in the call */
enum { COORDINATOR, ATTEMPT };

struct plan {
  int64_t action, error, role;
  int64_t at;        /* the call, counted from 1; 0: of trial n the call n + 1 */
  int64_t calls[2048]; /* made so far: [0] by the coordinator, [1 + n] by attempts at trial n */
};

static struct plan *plan;
static const char *below;
static int log_file = -1, role;

#define REAL(name) ({ static typeof(&name) real; if (!real) real = dlsym(RTLD_NEXT, #name); real; })

__attribute__((constructor)) static void begin(void) {
  char command[4096] = "";
  int file = REAL(open)("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
  ssize_t length = read(file, command, sizeof command - 1);
  close(file);
  role = length > 0 && memmem(command, length, "search.trial", 12) ? ATTEMPT : COORDINATOR;
  const char *path = getenv("FAULTS_PLAN"), *log = getenv("FAULTS_LOG");
  below = getenv("FAULTS_BELOW");
  if (!path || !below || (file = REAL(open)(path, O_RDWR | O_CLOEXEC)) < 0) return;
  plan = mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (log) log_file = REAL(open)(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

/* What is to happen in this call on this path; notes the call in the log. */
static int64_t action_of(const char *call, const char *path) {
  char whole[4096];
  if (!plan || plan == MAP_FAILED || plan->role != role || !path) return COUNT;
  if (path[0] != '/') {
    if (!getcwd(whole, sizeof whole / 2)) return COUNT;
    strcat(whole, "/");
    strncat(whole, path, sizeof whole / 2 - 2);
    path = whole;
  }
  if (strncmp(path, below, strlen(below)) != 0) return COUNT;
  /* an attempt opens the log of its trial first, and is at work on that trial until it ends */
  static int64_t trial = -1;
  const char *trials = strstr(path, "/trials/");
  if (trials) trial = atoll(trials + 8);
  if (role == ATTEMPT && trial < 0) return COUNT;
  int64_t *calls = &plan->calls[role == ATTEMPT ? 1 + trial : 0];
  int64_t at = plan->at ? plan->at : trial + 1;
  int is_now = __atomic_add_fetch(calls, 1, __ATOMIC_SEQ_CST) == at;
  char line[4300];
  int length = snprintf(line, sizeof line, "%s%s %s\n", is_now && plan->action ? "! " : "", call,
                        path + strlen(below) + 1);
  if (log_file >= 0) REAL(write)(log_file, line, length);
  if (!is_now) return COUNT;
  if (plan->action == KILL) kill(getpid(), SIGKILL);
  return plan->action;
}

static int64_t action_on(const char *call, int file) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return COUNT;
  path[length] = 0;
  return action_of(call, path);
}

static int fails(int64_t action) {
  if (action == TEAR) kill(getpid(), SIGKILL); /* nothing that could be done by half */
  if (action == FAIL) errno = plan->error;
  return action == FAIL;
}

#define WRITE(name, arguments, half, whole)      \
  ssize_t name arguments {                       \
    int64_t action = action_on("write", file);   \
    if (action == TEAR) half;                    \
    if (fails(action)) return -1;                \
    return whole;                                \
  }
WRITE(write, (int file, const void *data, size_t size), REAL(write)(file, data, size / 2),
      REAL(write)(file, data, size))
WRITE(pwrite, (int file, const void *data, size_t size, off_t at),
      REAL(pwrite)(file, data, size / 2, at), REAL(pwrite)(file, data, size, at))
WRITE(pwrite64, (int file, const void *data, size_t size, off64_t at),
      REAL(pwrite64)(file, data, size / 2, at), REAL(pwrite64)(file, data, size, at))
WRITE(writev, (int file, const struct iovec *parts, int count),
      REAL(writev)(file, parts, count / 2), REAL(writev)(file, parts, count))

#define ON_FILE(name, arguments, whole) \
  int name arguments { return fails(action_on(#name, file)) ? -1 : whole; }
ON_FILE(fsync, (int file), REAL(fsync)(file))
ON_FILE(fdatasync, (int file), REAL(fdatasync)(file))
ON_FILE(ftruncate, (int file, off_t size), REAL(ftruncate)(file, size))
ON_FILE(ftruncate64, (int file, off64_t size), REAL(ftruncate64)(file, size))

#define ON_PATH(name, arguments, path, whole) \
  int name arguments { return fails(action_of(#name, path)) ? -1 : whole; }
ON_PATH(rename, (const char *from, const char *to), to, REAL(rename)(from, to))
ON_PATH(link, (const char *from, const char *to), to, REAL(link)(from, to))
ON_PATH(truncate, (const char *path, off_t size), path, REAL(truncate)(path, size))
ON_PATH(truncate64, (const char *path, off64_t size), path, REAL(truncate64)(path, size))
ON_PATH(mkdir, (const char *path, mode_t mode), path, REAL(mkdir)(path, mode))
ON_PATH(unlink, (const char *path), path, REAL(unlink)(path))

static int creates(const char *path, int flags) {
  return (flags & O_CREAT) && access(path, F_OK) != 0;
}

#define OPEN(name)                                                           \
  int name(const char *path, int flags, ...) {                               \
    mode_t mode = 0;                                                         \
    if (flags & (O_CREAT | O_TMPFILE)) {                                     \
      va_list rest;                                                          \
      va_start(rest, flags);                                                 \
      mode = va_arg(rest, mode_t);                                           \
      va_end(rest);                                                          \
    }                                                                        \
    if (creates(path, flags) && fails(action_of("create", path))) return -1; \
    return REAL(name)(path, flags, mode);                                    \
  }
OPEN(open)
OPEN(open64)
