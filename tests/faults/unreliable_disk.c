// Loaded in front of the C library (LD_PRELOAD): records what a process does to the files of one
// folder, in order, and lets calls fail. From the record, disk.rs builds what a disk may hold
// when the power is cut.
//
// UNRELIABLE_FOLDER  the folder; what is outside of it is left alone
// UNRELIABLE_RECORD  where records go, each by one appending write; see `record` for their form
// UNRELIABLE_SYNC    "n suffix": the n-th sync of a file with that ending fails with EIO, once
// UNRELIABLE_READ    the same for reads, with ENOMEM
// UNRELIABLE_DISK    the same for reads, with EIO, which SQLite takes for damage of the file
// UNRELIABLE_SECTOR  "n suffix": of the first file with that ending that is opened, all reads of
// its n-th byte
//                    fail with EIO
// UNRELIABLE_OPEN    the same for opening, with EMFILE, and twice in a row: SQLite tries at once
//                    again, without writing
//
// A process that knows that it is watched decides by `unreliable_fail` which calls fail, as often
// as it likes (calls.rs).
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILES 1024
#define REAL(name) (__extension__(__typeof__(&name)) dlsym(RTLD_NEXT, #name))

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char* paths[MAX_FILES];
static int record_to = -1;
static const char* folder;

/// What calls do. The numbers are those of calls.rs.
enum kind { SYNC, READ, OPEN, WRITE, SHORT, TRUNCATE, RENAME, LINK, UNLINK, LOCK, MAP, KINDS };

/// The calls of a kind that fail: so many (from then on, if negative), after which, and how.
struct failing {
    const char* suffix; // NULL for any
    long in;
    long times;
    int error;
    long seen;
};
static struct failing by_environment[KINDS];
static struct failing by_process[KINDS];
static long sync_microseconds = 500;

static struct failing sector;
/// The file with the bad sector, once it is known.
static ino_t sector_of;

static struct failing failing_by(const char* name, long times, int error) {
    struct failing failing = {NULL, 0, times, error, 0};
    const char* value = getenv(name);
    if (value != NULL) {
        char* end;
        failing.in = strtol(value, &end, 10);
        failing.suffix = *end == ' ' ? end + 1 : end;
    }
    return failing;
}

__attribute__((constructor)) static void begin(void) {
    folder = getenv("UNRELIABLE_FOLDER");
    const char* record = getenv("UNRELIABLE_RECORD");
    if (folder == NULL || record == NULL) {
        folder = NULL;
        return;
    }
    record_to = REAL(open)(record, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    by_environment[SYNC] = failing_by("UNRELIABLE_SYNC", 1, EIO);
    by_environment[READ] = getenv("UNRELIABLE_DISK") != NULL
                               ? failing_by("UNRELIABLE_DISK", 1, EIO)
                               : failing_by("UNRELIABLE_READ", 1, ENOMEM);
    sector = failing_by("UNRELIABLE_SECTOR", -1, EIO);
    by_environment[OPEN] = failing_by("UNRELIABLE_OPEN", 2, EMFILE);
}

static int watched(const char* path) {
    size_t length = folder == NULL ? 0 : strlen(folder);
    return length > 0 && strncmp(path, folder, length) == 0 &&
           (path[length] == '/' || path[length] == '\0');
}

static const char* path_of(int fd) { return fd >= 0 && fd < MAX_FILES ? paths[fd] : NULL; }

/// One kind byte; then the offset, and the lengths of path and data, as 64-bit numbers of this
/// machine; path; data.
static void record(char kind, const char* path, uint64_t offset, const void* data,
                   uint64_t length) {
    uint64_t path_length = strlen(path);
    size_t size = 25 + path_length + length;
    char* bytes = malloc(size);
    bytes[0] = kind;
    memcpy(bytes + 1, &offset, 8);
    memcpy(bytes + 9, &path_length, 8);
    memcpy(bytes + 17, &length, 8);
    memcpy(bytes + 25, path, path_length);
    if (length > 0) {
        memcpy(bytes + 25 + path_length, data, length);
    }
    if (REAL(write)(record_to, bytes, size) != (ssize_t)size) {
        abort();
    }
    free(bytes);
}

static int is_meant(const struct failing* failing, const char* path) {
    size_t length = strlen(path);
    size_t suffix = failing->suffix == NULL ? 0 : strlen(failing->suffix);
    return length >= suffix &&
           strcmp(path + length - suffix, suffix > 0 ? failing->suffix : "") == 0;
}

static int is_due(struct failing* failing, const char* path) {
    if (!is_meant(failing, path)) {
        return 0;
    }
    long number = ++failing->seen;
    return failing->in > 0 && number >= failing->in &&
           (failing->times < 0 || number < failing->in + failing->times);
}

/// Whether this call fails: then that is recorded, and `errno` says why.
static int fails_now(enum kind kind, const char* path) {
    int due = is_due(&by_process[kind], path);
    int error = due ? by_process[kind].error : by_environment[kind].error;
    if (!due && !is_due(&by_environment[kind], path)) {
        return 0;
    }
    record(kind == SYNC ? 'f' : 'e', path, 0, NULL, 0);
    errno = error;
    return 1;
}

/// From now on, of the calls of this kind the n-th fails and so many in all, or all that follow if
/// `times` is negative; none if `n` is 0. Returns how many there were since this was last called
/// for the kind. A short write is half done; those that follow it fail as the rest does.
__attribute__((visibility("default"))) long unreliable_fail(int kind, long n, long times,
                                                            int error) {
    pthread_mutex_lock(&lock);
    long seen = by_process[kind].seen;
    by_process[kind] = (struct failing){NULL, n, times, error, 0};
    pthread_mutex_unlock(&lock);
    return seen;
}

/// How long a sync takes.
__attribute__((visibility("default"))) void unreliable_pace(long microseconds) {
    sync_microseconds = microseconds;
}

static int opened(int fd, const char* path, int flags, int existed) {
    if (fd >= 0 && fd < MAX_FILES) {
        free(paths[fd]);
        paths[fd] = strdup(path);
        if (!existed) {
            record('c', path, 0, NULL, 0);
        } else if (flags & O_TRUNC) {
            record('t', path, 0, NULL, 0);
        }
    }
    return fd;
}

#define OPEN(name)                                                                                 \
    int name(const char* path, int flags, ...) {                                                   \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        mode_t mode = (flags & O_CREAT) ? va_arg(rest, mode_t) : 0;                                \
        va_end(rest);                                                                              \
        if (!watched(path)) {                                                                      \
            return REAL(name)(path, flags, mode);                                                  \
        }                                                                                          \
        pthread_mutex_lock(&lock);                                                                 \
        if (fails_now(OPEN, path)) {                                                               \
            pthread_mutex_unlock(&lock);                                                           \
            return -1;                                                                             \
        }                                                                                          \
        struct stat found;                                                                         \
        int existed = stat(path, &found) == 0;                                                     \
        int fd = opened(REAL(name)(path, flags, mode), path, flags, existed);                      \
        pthread_mutex_unlock(&lock);                                                               \
        return fd;                                                                                 \
    }
OPEN(open)
OPEN(open64)

int close(int fd) {
    pthread_mutex_lock(&lock);
    if (path_of(fd) != NULL) {
        free(paths[fd]);
        paths[fd] = NULL;
    }
    pthread_mutex_unlock(&lock);
    return REAL(close)(fd);
}

/// Whether this call on an open file fails.
static int fails_on(enum kind kind, int fd) {
    pthread_mutex_lock(&lock);
    const char* path = path_of(fd);
    int fails = path != NULL && fails_now(kind, path);
    pthread_mutex_unlock(&lock);
    return fails;
}

/// Whether a part of a file is in the bad sector.
static int is_bad(int fd, off_t offset, size_t size) {
    struct stat found;
    if (sector.suffix == NULL || path_of(fd) == NULL || fstat(fd, &found) != 0) {
        return 0;
    }
    if (sector_of == 0 && is_meant(&sector, path_of(fd))) {
        sector_of = found.st_ino;
    }
    return found.st_ino == sector_of && offset <= sector.in && sector.in < offset + (off_t)size;
}

/// What is read is not recorded.
static int read_fails(int fd, off_t offset, size_t size) {
    if (is_bad(fd, offset, size)) {
        errno = sector.error;
        return 1;
    }
    return fails_on(READ, fd);
}

/// How much of a write is done; negative if it fails. To be called under the lock.
static ssize_t part_of_write(int fd, size_t size) {
    if (fails_now(WRITE, paths[fd])) {
        return -1;
    }
    if (!fails_now(SHORT, paths[fd])) {
        return (ssize_t)size;
    }
    return by_process[SHORT].seen == by_process[SHORT].in && size > 1 ? (ssize_t)size / 2 : -1;
}

ssize_t read(int fd, void* data, size_t size) {
    return read_fails(fd, lseek(fd, 0, SEEK_CUR), size) ? -1 : REAL(read)(fd, data, size);
}

#define PREAD(name)                                                                                \
    ssize_t name(int fd, void* data, size_t size, off_t offset) {                                  \
        return read_fails(fd, offset, size) ? -1 : REAL(name)(fd, data, size, offset);             \
    }
PREAD(pread)
PREAD(pread64)

ssize_t write(int fd, const void* data, size_t size) {
    if (path_of(fd) == NULL) {
        return REAL(write)(fd, data, size);
    }
    pthread_mutex_lock(&lock);
    off_t offset = lseek(fd, 0, SEEK_CUR);
    ssize_t written = part_of_write(fd, size);
    if (written > 0) {
        written = REAL(write)(fd, data, (size_t)written);
    }
    if (written > 0) {
        record('w', paths[fd], (uint64_t)offset, data, (uint64_t)written);
    }
    pthread_mutex_unlock(&lock);
    return written;
}

#define PWRITE(name)                                                                               \
    ssize_t name(int fd, const void* data, size_t size, off_t offset) {                            \
        if (path_of(fd) == NULL) {                                                                 \
            return REAL(name)(fd, data, size, offset);                                             \
        }                                                                                          \
        pthread_mutex_lock(&lock);                                                                 \
        ssize_t written = part_of_write(fd, size);                                                 \
        if (written > 0) {                                                                         \
            written = REAL(name)(fd, data, (size_t)written, offset);                               \
        }                                                                                          \
        if (written > 0) {                                                                         \
            record('w', paths[fd], (uint64_t)offset, data, (uint64_t)written);                     \
        }                                                                                          \
        pthread_mutex_unlock(&lock);                                                               \
        return written;                                                                            \
    }
PWRITE(pwrite)
PWRITE(pwrite64)

#define FTRUNCATE(name)                                                                            \
    int name(int fd, off_t size) {                                                                 \
        if (fails_on(TRUNCATE, fd)) {                                                              \
            return -1;                                                                             \
        }                                                                                          \
        pthread_mutex_lock(&lock);                                                                 \
        int failed = REAL(name)(fd, size);                                                         \
        if (!failed && path_of(fd) != NULL) {                                                      \
            record('t', paths[fd], (uint64_t)size, NULL, 0);                                       \
        }                                                                                          \
        pthread_mutex_unlock(&lock);                                                               \
        return failed;                                                                             \
    }
FTRUNCATE(ftruncate)
FTRUNCATE(ftruncate64)

/// Takes as long as a quick disk does, so that threads come to share a sync.
#define SYNC(name)                                                                                 \
    int name(int fd) {                                                                             \
        if (path_of(fd) == NULL) {                                                                 \
            return REAL(name)(fd);                                                                 \
        }                                                                                          \
        pthread_mutex_lock(&lock);                                                                 \
        int failed = fails_now(SYNC, paths[fd]);                                                   \
        int error = errno;                                                                         \
        if (!failed) {                                                                             \
            record('s', paths[fd], 0, NULL, 0);                                                    \
        }                                                                                          \
        pthread_mutex_unlock(&lock);                                                               \
        if (sync_microseconds > 0) {                                                               \
            usleep((useconds_t)sync_microseconds);                                                 \
        }                                                                                          \
        errno = error;                                                                             \
        return failed ? -1 : 0;                                                                    \
    }
SYNC(fsync)
SYNC(fdatasync)

/// Files that are open keep being the same file under another name, or under none.
static void renamed(const char* from, const char* to) {
    for (int fd = 0; fd < MAX_FILES; ++fd) {
        if (paths[fd] != NULL && to != NULL && strcmp(paths[fd], to) == 0) {
            free(paths[fd]);
            paths[fd] = NULL;
        } else if (paths[fd] != NULL && strcmp(paths[fd], from) == 0) {
            free(paths[fd]);
            paths[fd] = to == NULL ? NULL : strdup(to);
        }
    }
}

/// Whether this call on a name fails.
static int fails_for(enum kind kind, const char* path) {
    pthread_mutex_lock(&lock);
    int fails = watched(path) && fails_now(kind, path);
    pthread_mutex_unlock(&lock);
    return fails;
}

int rename(const char* from, const char* to) {
    if (fails_for(RENAME, from)) {
        return -1;
    }
    pthread_mutex_lock(&lock);
    int failed = REAL(rename)(from, to);
    if (!failed && watched(from)) {
        record('r', from, 0, to, strlen(to));
        renamed(from, to);
    }
    pthread_mutex_unlock(&lock);
    return failed;
}

int link(const char* from, const char* to) {
    if (fails_for(LINK, from)) {
        return -1;
    }
    pthread_mutex_lock(&lock);
    int failed = REAL(link)(from, to);
    if (!failed && watched(from)) {
        record('l', from, 0, to, strlen(to));
    }
    pthread_mutex_unlock(&lock);
    return failed;
}

int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) {
    if (fails_for(LINK, from)) {
        return -1;
    }
    pthread_mutex_lock(&lock);
    int failed = REAL(linkat)(from_folder, from, to_folder, to, flags);
    if (!failed && watched(from)) {
        record('l', from, 0, to, strlen(to));
    }
    pthread_mutex_unlock(&lock);
    return failed;
}

int unlink(const char* path) {
    if (fails_for(UNLINK, path)) {
        return -1;
    }
    pthread_mutex_lock(&lock);
    int failed = REAL(unlink)(path);
    if (!failed && watched(path)) {
        record('u', path, 0, NULL, 0);
        renamed(path, NULL);
    }
    pthread_mutex_unlock(&lock);
    return failed;
}

int mkdir(const char* path, mode_t mode) {
    pthread_mutex_lock(&lock);
    int failed = REAL(mkdir)(path, mode);
    if (!failed && watched(path)) {
        record('d', path, 0, NULL, 0);
    }
    pthread_mutex_unlock(&lock);
    return failed;
}

/// Locks are taken, or not; giving one back does not fail.
#define FCNTL(name)                                                                                \
    int name(int fd, int command, ...) {                                                           \
        va_list rest;                                                                              \
        va_start(rest, command);                                                                   \
        void* argument = va_arg(rest, void*);                                                      \
        va_end(rest);                                                                              \
        if (command == F_SETLK && ((struct flock*)argument)->l_type != F_UNLCK &&                  \
            fails_on(LOCK, fd)) {                                                                  \
            return -1;                                                                             \
        }                                                                                          \
        return REAL(name)(fd, command, argument);                                                  \
    }
FCNTL(fcntl)
FCNTL(fcntl64)

#define MMAP(name)                                                                                 \
    void* name(void* at, size_t size, int protection, int flags, int fd, off_t offset) {           \
        if (fd >= 0 && fails_on(MAP, fd)) {                                                        \
            return MAP_FAILED;                                                                     \
        }                                                                                          \
        return REAL(name)(at, size, protection, flags, fd, offset);                                \
    }
MMAP(mmap)
MMAP(mmap64)
