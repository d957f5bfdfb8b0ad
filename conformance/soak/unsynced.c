/*
 * Takes the syncs out of a process, for files whose path ends in FACET_SOAK_UNSYNCED. What it writes there stays in
 * the page cache for as long as the kernel likes: kill -9 cannot tell, a power cut can. Loaded by LD_PRELOAD.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_unsynced(const char *path) {
  const char *ending = getenv("FACET_SOAK_UNSYNCED");
  if (!ending || !path || strlen(path) < strlen(ending)) return 0;
  return strcmp(path + strlen(path) - strlen(ending), ending) == 0;
}

static int is_unsynced_descriptor(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return is_unsynced(path);
}

#define SYNC(name)                                             \
  int name(int fd) {                                           \
    static int (*real)(int);                                   \
    if (is_unsynced_descriptor(fd)) return 0;                  \
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, #name);   \
    return real(fd);                                           \
  }

SYNC(fsync)
SYNC(fdatasync)

static mode_t mode_of(int flags, va_list rest) {
  return flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
}

static int flags_for(const char *path, int flags) {
  return is_unsynced(path) ? flags & ~(O_SYNC | O_DSYNC) : flags;
}

#define OPEN(name)                                                                          \
  int name(const char *path, int flags, ...) {                                              \
    static int (*real)(const char *, int, ...);                                             \
    va_list rest;                                                                           \
    va_start(rest, flags);                                                                  \
    mode_t mode = mode_of(flags, rest);                                                     \
    va_end(rest);                                                                           \
    if (!real) real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name);             \
    return real(path, flags_for(path, flags), mode);                                        \
  }

OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                        \
  int name(int at, const char *path, int flags, ...) {                                      \
    static int (*real)(int, const char *, int, ...);                                        \
    va_list rest;                                                                           \
    va_start(rest, flags);                                                                  \
    mode_t mode = mode_of(flags, rest);                                                     \
    va_end(rest);                                                                           \
    if (!real) real = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, #name);        \
    return real(at, path, flags_for(path, flags), mode);                                    \
  }

OPENAT(openat)
OPENAT(openat64)
