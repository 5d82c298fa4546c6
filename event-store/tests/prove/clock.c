/*
 * A clock that jumps, beside the disk that fails (see faults.c).
 *
 * PROVE_CLOCK  1: it jumps
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

/* The calls to the disk until now. */
extern __attribute__((visibility("hidden"))) volatile uint64_t *counter;

static int jumps;
static int (*real_clock)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void)
{
    const char *text = getenv("PROVE_CLOCK");
    real_clock = dlsym(RTLD_NEXT, "clock_gettime");
    jumps = text && strcmp(text, "1") == 0;
}

/* With every few calls it is another time: back by hours, on by years. */
static time_t jump(void)
{
    static const time_t jumps_by[] = {0, -7200, 3 * 31536000L, -86400, 60, 10 * 31536000L, -400 * 86400L, 1};
    return jumps && counter ? jumps_by[*counter / 5 % 8] : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = real_clock(clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += jump();
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    (void)zone;
    struct timespec exact;
    int result = clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return result;
}

time_t time(time_t *now)
{
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (now)
        *now = exact.tv_sec;
    return exact.tv_sec;
}
