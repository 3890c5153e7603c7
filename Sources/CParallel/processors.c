// How many processors this process may use.

#ifdef __linux__
#define _GNU_SOURCE
#endif

#include "CParallel.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// The beginning of a small file, as text; false where it cannot be read.
static bool read_text(const char *path, char *text, size_t capacity) {
    FILE *file = fopen(path, "re");
    if (!file) return false;
    const size_t count = fread(text, 1, capacity - 1, file);
    fclose(file);
    text[count] = 0;
    return count > 0;
}

static void read_number(const char *folder, const char *name, long long *number) {
    char path[PATH_MAX], text[64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (read_text(path, text, sizeof text)) *number = atoll(text);
}

// Microseconds of processor time that a group gets in each period; false where it has no limit.
static bool read_quota(const char *folder, bool is_version_2, long long *quota, long long *period) {
    *quota = -1, *period = 0;
    if (is_version_2) {
        char path[PATH_MAX], text[64];
        snprintf(path, sizeof path, "%s/cpu.max", folder);
        // "max 100000" where there is none.
        if (!read_text(path, text, sizeof text) || sscanf(text, "%lld %lld", quota, period) != 2) return false;
    } else {
        read_number(folder, "cpu.cfs_quota_us", quota);
        read_number(folder, "cpu.cfs_period_us", period);
    }
    return *quota > 0 && *period > 0;
}

// The least that the group at `path` and those above it get; `least` where that is less.
static int least_quota(const char *mount, const char *path, bool is_version_2, int least) {
    char group[PATH_MAX];
    if (strlen(path) >= sizeof group) return least;
    strcpy(group, strcmp(path, "/") ? path : "");
    for (;;) {
        char folder[2 * PATH_MAX];
        snprintf(folder, sizeof folder, "%s%s", mount, group);
        long long quota, period;
        if (read_quota(folder, is_version_2, &quota, &period)) {
            const long long processors = quota / period;
            const int whole = processors < 1 ? 1 : processors > INT_MAX ? INT_MAX : (int)processors;
            if (least == 0 || whole < least) least = whole;
        }
        char *slash = strrchr(group, '/');
        if (!slash) return least;
        *slash = 0;
    }
}

// Whether a list such as "cpu,cpuacct" names the controller of processor time.
static bool controls_cpu(const char *list, const char *end) {
    for (const char *name = list; name < end;) {
        const char *comma = memchr(name, ',', (size_t)(end - name));
        const char *next = comma ? comma : end;
        if (next - name == 3 && !memcmp(name, "cpu", 3)) return true;
        name = next + 1;
    }
    return false;
}

int parallel_quota(const char *groups, const char *mount) {
    int least = 0;
    // Each line: number of the hierarchy, its controllers (none in version 2), the group's path.
    for (const char *line = groups; *line;) {
        const char *end = strchrnul(line, '\n');
        const char *first = memchr(line, ':', (size_t)(end - line));
        const char *second = first ? memchr(first + 1, ':', (size_t)(end - first - 1)) : NULL;
        char path[PATH_MAX], controllers[PATH_MAX];
        if (second && (size_t)(end - second) <= sizeof path) {
            snprintf(path, sizeof path, "%.*s", (int)(end - second - 1), second + 1);
            if (second == first + 1) {
                least = least_quota(mount, path, true, least);
            } else if (controls_cpu(first + 1, second)) {
                snprintf(controllers, sizeof controllers, "%s/cpu", mount);
                least = least_quota(controllers, path, false, least);
            }
        }
        line = *end ? end + 1 : end;
    }
    return least;
}

#if defined(__linux__)

#include <sched.h>

// Those that the process may run on; 0 where that is not known.
static int allowed_processors(void) {
    // The kernel wants room for as many as it was built for, which it does not tell.
    for (int most = 1024; most <= 1 << 20; most *= 2) {
        cpu_set_t *set = CPU_ALLOC((size_t)most);
        if (!set) return 0;
        const size_t size = CPU_ALLOC_SIZE((size_t)most);
        const bool is_known = !sched_getaffinity(0, size, set);
        const int count = is_known ? CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (is_known) return count;
    }
    return 0;
}

int parallel_processors(void) {
    int count = allowed_processors();
    if (count < 1) count = (int)sysconf(_SC_NPROCESSORS_ONLN);
    char groups[1 << 16];
    const int paid =
        read_text("/proc/self/cgroup", groups, sizeof groups) ? parallel_quota(groups, "/sys/fs/cgroup") : 0;
    if (paid > 0 && paid < count) count = paid;
    return count < 1 ? 1 : count;
}

#else

int parallel_processors(void) {
    const long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : (int)count;
}

#endif
