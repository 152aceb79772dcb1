/* Makes one system call below a folder fail, as a full disk (ENOSPC) or a broken one (EIO) would.

   Preloaded. Counts the calls that write below the folder armed with fault_arm(); the at-th one of a kind, and
   with `stays` every later one of any kind, does nothing and returns the error. How many writes a run makes differs
   with its threads, so a call is named by its kind: there is one rename. Each call is noted in fault_seen().

   Built by bench/faults.py: cc -shared -fPIC -O1 -o faults.so faults.c -ldl */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static char folder[PATH_MAX];
static size_t folder_length;
static char kind[16];
static int fail_at, fail_with, stays, armed;
static volatile int count, of_kind, has_failed;
#define MOST_SEEN 20000
static char seen[MOST_SEEN][16];

void fault_arm(const char *under, const char *of, int at, int with, int for_good)
{
    strncpy(folder, under, sizeof folder - 1);
    folder_length = strlen(folder);
    strncpy(kind, of, sizeof kind - 1);
    fail_at = at;
    fail_with = with;
    stays = for_good;
    count = of_kind = has_failed = 0;
    armed = 1;
}

int fault_count(void) { return count; }
const char *fault_seen(int number) { return seen[number]; }

static int is_below(const char *path) { return armed && path && !strncmp(path, folder, folder_length); }

static int is_open_below(int descriptor)
{
    char link[64], path[PATH_MAX];
    ssize_t length;
    if (!armed)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return is_below(path);
}

/* Whether this call is to fail; errno is then set. */
static int fails(const char *name)
{
    int number = __sync_add_and_fetch(&count, 1);
    if (number < MOST_SEEN)
        strncpy(seen[number], name, sizeof seen[0] - 1);
    int is_it = !strcmp(name, kind) && __sync_add_and_fetch(&of_kind, 1) == fail_at;
    if (!is_it && !(stays && has_failed))
        return 0;
    has_failed = 1;
    errno = fail_with;
    return 1;
}

#define REAL(type, name, ...) ((type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name))

#define BY_DESCRIPTOR(type, name, shown, descriptor, parameters, arguments, ...)                                \
    type name parameters                                                                                       \
    {                                                                                                          \
        if (is_open_below(descriptor) && fails(shown))                                                          \
            return -1;                                                                                         \
        return REAL(type, name, __VA_ARGS__) arguments;                                                        \
    }

BY_DESCRIPTOR(ssize_t, write, "write", fd, (int fd, const void *b, size_t n), (fd, b, n), int, const void *, size_t)
BY_DESCRIPTOR(ssize_t, writev, "write", fd, (int fd, const struct iovec *v, int n), (fd, v, n), int,
              const struct iovec *, int)
BY_DESCRIPTOR(ssize_t, pwrite, "pwrite", fd, (int fd, const void *b, size_t n, off_t o), (fd, b, n, o), int,
              const void *, size_t, off_t)
BY_DESCRIPTOR(ssize_t, pwrite64, "pwrite", fd, (int fd, const void *b, size_t n, off64_t o), (fd, b, n, o), int,
              const void *, size_t, off64_t)
BY_DESCRIPTOR(ssize_t, sendfile, "sendfile", out, (int out, int in, off_t *o, size_t n), (out, in, o, n), int, int,
              off_t *, size_t)
BY_DESCRIPTOR(ssize_t, sendfile64, "sendfile", out, (int out, int in, off64_t *o, size_t n), (out, in, o, n), int,
              int, off64_t *, size_t)
BY_DESCRIPTOR(ssize_t, copy_file_range, "copy", out,
              (int in, off64_t *i, int out, off64_t *o, size_t n, unsigned f), (in, i, out, o, n, f), int,
              off64_t *, int, off64_t *, size_t, unsigned)
BY_DESCRIPTOR(int, fsync, "fsync", fd, (int fd), (fd), int)
BY_DESCRIPTOR(int, fdatasync, "fsync", fd, (int fd), (fd), int)
BY_DESCRIPTOR(int, ftruncate, "truncate", fd, (int fd, off_t n), (fd, n), int, off_t)
BY_DESCRIPTOR(int, ftruncate64, "truncate", fd, (int fd, off64_t n), (fd, n), int, off64_t)
BY_DESCRIPTOR(int, fallocate, "allocate", fd, (int fd, int m, off_t o, off_t n), (fd, m, o, n), int, int, off_t, off_t)

#define BY_PATH(name, shown, path, parameters, arguments, ...)                                                 \
    int name parameters                                                                                        \
    {                                                                                                          \
        if (is_below(path) && fails(shown))                                                                    \
            return -1;                                                                                         \
        return REAL(int, name, __VA_ARGS__) arguments;                                                         \
    }

BY_PATH(rename, "rename", to, (const char *from, const char *to), (from, to), const char *, const char *)
BY_PATH(renameat, "rename", to, (int a, const char *from, int b, const char *to), (a, from, b, to), int,
        const char *, int, const char *)
BY_PATH(renameat2, "rename", to, (int a, const char *from, int b, const char *to, unsigned f), (a, from, b, to, f),
        int, const char *, int, const char *, unsigned)
BY_PATH(link, "link", to, (const char *from, const char *to), (from, to), const char *, const char *)
BY_PATH(linkat, "link", to, (int a, const char *from, int b, const char *to, int f), (a, from, b, to, f), int,
        const char *, int, const char *, int)
BY_PATH(mkdir, "mkdir", path, (const char *path, mode_t mode), (path, mode), const char *, mode_t)

#define OPENS(name, at_parameters, at_arguments, ...)                                                          \
    int name at_parameters                                                                                     \
    {                                                                                                          \
        mode_t mode = 0;                                                                                       \
        if ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE) {                                                                   \
            va_list rest;                                                                                      \
            va_start(rest, flags);                                                                             \
            mode = va_arg(rest, mode_t);                                                                       \
            va_end(rest);                                                                                      \
        }                                                                                                      \
        if ((flags & O_CREAT) && is_below(path) && fails("create"))                                            \
            return -1;                                                                                         \
        return REAL(int, name, __VA_ARGS__) at_arguments;                                                      \
    }

OPENS(open, (const char *path, int flags, ...), (path, flags, mode), const char *, int, ...)
OPENS(open64, (const char *path, int flags, ...), (path, flags, mode), const char *, int, ...)
OPENS(openat, (int at, const char *path, int flags, ...), (at, path, flags, mode), int, const char *, int, ...)
OPENS(openat64, (int at, const char *path, int flags, ...), (at, path, flags, mode), int, const char *, int, ...)
