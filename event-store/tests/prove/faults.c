/*
 * A disk that fails on demand: preloaded (LD_PRELOAD) into a program, it stands between it and the C library, and counts each
 * call that writes to, cuts, removes or synchronizes a file of one folder.
 *
 * PROVE_UNDER    the folder, without a slash at its end
 * PROVE_COUNTER  a file of 8 bytes in which the calls are counted: it is read when the program is gone
 * PROVE_AT       the number of the call that fails; 0 for none
 * PROVE_FAULT    how: see `enum fault`
 * PROVE_SEED     what chance begins with
 *
 * Nothing is ever synchronized in truth, as the machine stays up: what is lost with the power is decided here. A file is
 * what it was when it was synchronized last; each write since then is there, is not, or is there in some of its sectors.
 * A name is what it was when its folder was synchronized last.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR 512
#define PATH 4096

enum fault {
    NONE,
    KILL,  /* the process is killed instead */
    EIO_,  /* an error of the disk, once */
    SHORT, /* half of it is written, and no error told */
    FULL,  /* half of it is written; then there is no room, for this and the next three */
    LOSS,  /* the power is gone */
};

static char under[PATH];
static size_t under_length;
static enum fault fault;
static uint64_t at, chance;
/* The calls until now: the clock goes by them, too. */
__attribute__((visibility("hidden"))) volatile uint64_t *counter;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int (*real_open)(const char *, int, ...);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_truncate)(int, off_t);
static int (*real_unlink)(const char *);
static int (*real_sync)(int);

/* What was done since the last synchronization, newest first: to a file, or to a name in the folder. */
struct change {
    struct change *before;
    enum { WRITTEN, CUT, CREATED, REMOVED } what;
    char path[PATH];
    char aside[PATH]; /* REMOVED: where the file is kept */
    off_t offset, size;  /* of the write; of the file before */
    size_t length, old_length;
    unsigned char *bytes, *old;
};
static struct change *changes;

__attribute__((constructor)) static void begin(void)
{
    const char *text = getenv("PROVE_UNDER");
    real_open = dlsym(RTLD_NEXT, "open");
    real_write = dlsym(RTLD_NEXT, "write");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_truncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    real_sync = dlsym(RTLD_NEXT, "fsync");
    if (text == NULL)
        return;
    snprintf(under, sizeof under, "%s", text);
    under_length = strlen(under);
    at = (text = getenv("PROVE_AT")) ? strtoull(text, NULL, 10) : 0;
    chance = (text = getenv("PROVE_SEED")) ? strtoull(text, NULL, 10) : 0;
    text = getenv("PROVE_FAULT");
    const char *names[] = {"none", "kill", "eio", "short", "full", "loss"};
    for (int name = 0; text && name < 6; name++)
        if (strcmp(text, names[name]) == 0)
            fault = name;
    if ((text = getenv("PROVE_COUNTER")) != NULL) {
        int fd = real_open(text, O_RDWR);
        void *map = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (fd < 0 || map == MAP_FAILED)
            abort();
        counter = map;
        close(fd);
    }
}

/* SplitMix64. */
static uint64_t dice(uint64_t end)
{
    uint64_t mixed = (chance += 0x9e3779b97f4a7c15ULL);
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
    return (mixed ^ (mixed >> 31)) % end;
}

static int is_ours(const char *path)
{
    return under_length > 0 && strncmp(path, under, under_length) == 0 &&
           (path[under_length] == '/' || path[under_length] == 0);
}

/* Whether what is open here is ours, and its path. */
static int path_of(int fd, char path[PATH])
{
    char link[64];
    if (under_length == 0)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH - 1);
    if (length <= 0)
        return 0;
    path[length] = 0;
    return is_ours(path);
}

/* Memory that processes share is no file: nobody synchronizes it, and nobody reads it after a loss. */
static int is_shared_memory(const char *path)
{
    size_t length = strlen(path);
    return length > 4 && strcmp(path + length - 4, "-shm") == 0;
}

static void forget(struct change **place)
{
    struct change *gone = *place;
    *place = gone->before;
    free(gone->bytes);
    free(gone->old);
    free(gone);
}

static struct change *remember(int what, const char *path)
{
    struct change *change = calloc(1, sizeof *change);
    if (change == NULL)
        abort();
    change->what = what;
    snprintf(change->path, PATH, "%s", path);
    change->before = changes;
    changes = change;
    return change;
}

/* A write or a cut of an open file, before it is made. */
static void changing(int what, int fd, const char *path, const void *bytes, size_t length, off_t offset)
{
    struct stat stat;
    if (fault != LOSS || is_shared_memory(path) || fstat(fd, &stat) != 0)
        return;
    struct change *change = remember(what, path);
    change->offset = offset;
    change->size = stat.st_size;
    change->length = length;
    if (length > 0) {
        change->bytes = malloc(length);
        memcpy(change->bytes, bytes, length);
    }
    /* What it overwrites, or cuts off. */
    size_t old = length;
    if (what == CUT)
        old = stat.st_size > offset ? (size_t)(stat.st_size - offset) : 0;
    int reading = old > 0 ? real_open(path, O_RDONLY) : -1;
    if (reading >= 0) {
        change->old = malloc(old);
        ssize_t read = pread(reading, change->old, old, offset);
        change->old_length = read > 0 ? read : 0;
        close(reading);
    }
}

/* A file is synchronized: its writes are there to stay. */
static void synchronized(const char *path)
{
    for (struct change **place = &changes; *place;) {
        int of_file = (*place)->what == WRITTEN || (*place)->what == CUT;
        if (of_file && strcmp((*place)->path, path) == 0)
            forget(place);
        else
            place = &(*place)->before;
    }
}

/* The folder is synchronized: so are its names. */
static void settled(void)
{
    for (struct change **place = &changes; *place;) {
        if ((*place)->what == REMOVED)
            real_unlink((*place)->aside);
        if ((*place)->what == REMOVED || (*place)->what == CREATED)
            forget(place);
        else
            place = &(*place)->before;
    }
}

static void put(int fd, const unsigned char *bytes, size_t length, off_t offset)
{
    if (length > 0 && real_pwrite(fd, bytes, length, offset) != (ssize_t)length)
        abort();
}

static void undo(const struct change *change)
{
    int fd = real_open(change->path, O_WRONLY);
    if (fd < 0)
        return;
    if (change->what == CUT && real_truncate(fd, change->size) != 0)
        abort();
    put(fd, change->old, change->old_length, change->offset);
    if (real_truncate(fd, change->size) != 0)
        abort();
    close(fd);
}

/* Makes a change after all: whole, or some of its sectors. */
static void redo(const struct change *change, int torn)
{
    int fd = real_open(change->path, O_WRONLY);
    if (fd < 0)
        return;
    if (change->what == CUT && real_truncate(fd, change->offset) != 0)
        abort();
    for (size_t from = 0; from < change->length;) {
        size_t sector = SECTOR - (change->offset + from) % SECTOR;
        size_t length = sector < change->length - from ? sector : change->length - from;
        if (!torn || dice(2))
            put(fd, change->bytes + from, length, change->offset + from);
        from += length;
    }
    close(fd);
}

/* What is left when the power is gone. */
static void lose(void)
{
    struct change *oldest = NULL;
    uint64_t manner = dice(4); /* 0: all is lost, 1: nothing, else some of it */
    for (struct change *it = changes; it; it = it->before)
        if (it->what == WRITTEN || it->what == CUT)
            undo(it);
    for (struct change *it = changes, *next; it; it = next) {
        next = it->before;
        it->before = oldest;
        oldest = it;
    }
    for (struct change *it = oldest; it; it = it->before) {
        uint64_t kept = manner == 0 ? 0 : manner == 1 ? 1 : dice(3);
        if ((it->what == WRITTEN || it->what == CUT) && kept > 0)
            redo(it, kept == 2);
    }
    /* Changes of names reach the disk in their order: those behind an instant of chance never happened. */
    uint64_t names = 0, last;
    for (struct change *it = oldest; it; it = it->before)
        names += it->what == CREATED || it->what == REMOVED;
    last = manner == 0 ? 0 : manner == 1 ? names : dice(names + 1);
    changes = NULL;
    for (struct change *it = oldest, *next; it; it = next) {
        next = it->before;
        it->before = changes;
        changes = it;
    }
    for (struct change *it = changes; it; it = it->before) {
        if (it->what != CREATED && it->what != REMOVED)
            continue;
        if (names-- > last) {
            if (it->what == CREATED)
                real_unlink(it->path);
            else
                rename(it->aside, it->path);
        } else if (it->what == REMOVED) {
            real_unlink(it->aside);
        }
    }
}

static void die(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

/* Counts a call; answers what is to become of it. Under the lock. */
static enum fault count(void)
{
    uint64_t number = counter ? ++*counter : 0;
    if (at == 0 || number < at)
        return NONE;
    if (fault == FULL)
        return number < at + 4 ? FULL : NONE;
    if (number > at)
        return NONE;
    if (fault == KILL)
        die();
    return fault;
}

/* A loss: some of what is about to be done may have reached the disk. */
static void lose_and_die(void)
{
    lose();
    die();
}

static ssize_t writing(int fd, const void *bytes, size_t length, off_t offset, int placed)
{
    char path[PATH];
    if (!path_of(fd, path))
        return placed ? real_pwrite(fd, bytes, length, offset) : real_write(fd, bytes, length);
    pthread_mutex_lock(&lock);
    if (!placed)
        offset = lseek(fd, 0, SEEK_CUR);
    enum fault now = count();
    ssize_t written = -1;
    if (now == EIO_) {
        errno = EIO;
    } else if (now == FULL && counter && *counter > at) {
        errno = ENOSPC;
    } else {
        if ((now == SHORT || now == FULL) && length > 1)
            length /= 2;
        changing(WRITTEN, fd, path, bytes, length, offset);
        if (now == LOSS)
            lose_and_die();
        written = placed ? real_pwrite(fd, bytes, length, offset) : real_write(fd, bytes, length);
    }
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return written;
}

ssize_t write(int fd, const void *bytes, size_t length)
{
    return writing(fd, bytes, length, 0, 0);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
    return writing(fd, bytes, length, offset, 1);
}

ssize_t pwrite64(int, const void *, size_t, off64_t) __attribute__((alias("pwrite")));

static int cutting(int fd, off_t length)
{
    char path[PATH];
    if (!path_of(fd, path))
        return real_truncate(fd, length);
    pthread_mutex_lock(&lock);
    enum fault now = count();
    int result = -1;
    if (now == EIO_) {
        errno = EIO;
    } else {
        changing(CUT, fd, path, NULL, 0, length);
        if (now == LOSS)
            lose_and_die();
        result = real_truncate(fd, length);
    }
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int ftruncate(int fd, off_t length)
{
    return cutting(fd, length);
}

int ftruncate64(int, off64_t) __attribute__((alias("ftruncate")));

static int synchronizing(int fd)
{
    char path[PATH];
    if (!path_of(fd, path))
        return real_sync(fd);
    pthread_mutex_lock(&lock);
    enum fault now = count();
    int result = now == EIO_ || now == FULL ? -1 : 0;
    if (now == LOSS)
        lose_and_die();
    if (result == 0 && strcmp(path, under) == 0)
        settled();
    else if (result == 0)
        synchronized(path);
    pthread_mutex_unlock(&lock);
    if (result != 0)
        errno = now == FULL ? ENOSPC : EIO;
    return result;
}

int fsync(int fd)
{
    return synchronizing(fd);
}

int fdatasync(int) __attribute__((alias("fsync")));

int unlink(const char *path)
{
    if (!is_ours(path))
        return real_unlink(path);
    pthread_mutex_lock(&lock);
    enum fault now = count();
    int result = -1;
    if (now == EIO_) {
        errno = EIO;
    } else if (fault != LOSS || is_shared_memory(path) || access(path, F_OK) != 0) {
        result = real_unlink(path);
    } else {
        struct change *change = remember(REMOVED, path);
        static int number;
        snprintf(change->aside, PATH, "%.4000s.removed-%d", path, number++);
        result = rename(path, change->aside);
        /* What was written to it is not of the next file of that name. */
        for (struct change *it = change->before; it; it = it->before)
            if ((it->what == WRITTEN || it->what == CUT) && strcmp(it->path, path) == 0)
                snprintf(it->path, PATH, "%s", change->aside);
    }
    if (now == LOSS)
        lose_and_die();
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

static int opening(const char *path, int flags, mode_t mode)
{
    if (fault != LOSS || !(flags & O_CREAT) || !is_ours(path) || is_shared_memory(path))
        return real_open(path, flags, mode);
    pthread_mutex_lock(&lock);
    int is_there = access(path, F_OK) == 0;
    int fd = real_open(path, flags, mode);
    int error = errno;
    if (fd >= 0 && !is_there)
        remember(CREATED, path);
    pthread_mutex_unlock(&lock);
    errno = error;
    return fd;
}

#define OPEN(name)                                                           \
    int name(const char *path, int flags, ...)                               \
    {                                                                        \
        va_list more;                                                        \
        va_start(more, flags);                                               \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
        va_end(more);                                                        \
        return opening(path, flags, mode);                                   \
    }
OPEN(open)
OPEN(open64)
