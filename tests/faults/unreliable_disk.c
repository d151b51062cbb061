// Loaded in front of the C library (LD_PRELOAD): records what a process does to the files of one
// folder, in order, and lets one call fail. From the record, disk.rs builds what a disk may hold
// when the power is cut.
//
// UNRELIABLE_FOLDER  the folder; what is outside of it is left alone
// UNRELIABLE_RECORD  where records go, each by one appending write; see `record` for their form
// UNRELIABLE_SYNC    "n suffix": the n-th sync of a file with that ending fails with EIO, once
// UNRELIABLE_READ    the same for reads, with ENOMEM: SQLite takes EIO for damage of the file
// UNRELIABLE_OPEN    the same for opening, with EMFILE, and twice in a row: SQLite tries at once
// again,
//                    without writing
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
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILES 1024
#define REAL(name) (__extension__(__typeof__(&name)) dlsym(RTLD_NEXT, #name))

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char* paths[MAX_FILES];
static int record_to = -1;
static const char* folder;

/// The calls that fail: so many, after which.
struct failing {
    const char* suffix;
    long in;
    long times;
};
static struct failing syncs;
static struct failing reads;
static struct failing opens;

static struct failing failing_by(const char* name, long times) {
    struct failing failing = {"", 0, times};
    const char* value = getenv(name);
    if (value != NULL) {
        char* end;
        failing.in = strtol(value, &end, 10) + times - 1;
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
    syncs = failing_by("UNRELIABLE_SYNC", 1);
    reads = failing_by("UNRELIABLE_READ", 1);
    opens = failing_by("UNRELIABLE_OPEN", 2);
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

static int fails_now(struct failing* failing, const char* path) {
    size_t length = strlen(path);
    size_t suffix = strlen(failing->suffix);
    return failing->in > 0 && length >= suffix &&
           strcmp(path + length - suffix, failing->suffix) == 0 && --failing->in < failing->times;
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
        if (fails_now(&opens, path)) {                                                             \
            record('e', path, 0, NULL, 0);                                                         \
            pthread_mutex_unlock(&lock);                                                           \
            errno = EMFILE;                                                                        \
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

/// Whether this read fails; what is read is not recorded.
static int read_fails(int fd) {
    pthread_mutex_lock(&lock);
    const char* path = path_of(fd);
    int fails = path != NULL && fails_now(&reads, path);
    if (fails) {
        record('e', path, 0, NULL, 0);
        errno = ENOMEM;
    }
    pthread_mutex_unlock(&lock);
    return fails;
}

ssize_t read(int fd, void* data, size_t size) {
    return read_fails(fd) ? -1 : REAL(read)(fd, data, size);
}

#define PREAD(name)                                                                                \
    ssize_t name(int fd, void* data, size_t size, off_t offset) {                                  \
        return read_fails(fd) ? -1 : REAL(name)(fd, data, size, offset);                           \
    }
PREAD(pread)
PREAD(pread64)

ssize_t write(int fd, const void* data, size_t size) {
    if (path_of(fd) == NULL) {
        return REAL(write)(fd, data, size);
    }
    pthread_mutex_lock(&lock);
    off_t offset = lseek(fd, 0, SEEK_CUR);
    ssize_t written = REAL(write)(fd, data, size);
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
        ssize_t written = REAL(name)(fd, data, size, offset);                                      \
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
        int failed = fails_now(&syncs, paths[fd]);                                                 \
        record(failed ? 'f' : 's', paths[fd], 0, NULL, 0);                                         \
        pthread_mutex_unlock(&lock);                                                               \
        usleep(500);                                                                               \
        errno = failed ? EIO : errno;                                                              \
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

int rename(const char* from, const char* to) {
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
    pthread_mutex_lock(&lock);
    int failed = REAL(link)(from, to);
    if (!failed && watched(from)) {
        record('l', from, 0, to, strlen(to));
    }
    pthread_mutex_unlock(&lock);
    return failed;
}

int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) {
    pthread_mutex_lock(&lock);
    int failed = REAL(linkat)(from_folder, from, to_folder, to, flags);
    if (!failed && watched(from)) {
        record('l', from, 0, to, strlen(to));
    }
    pthread_mutex_unlock(&lock);
    return failed;
}

int unlink(const char* path) {
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
