#pragma once
// Work spread over the processors that this process may use. Everything that runs in parallel runs here, so that one
// number limits it all, and on one team of threads, so that no two compete for the processors.

#include <stdbool.h>
#include <stddef.h>

// How many threads parallel work uses: what the calling thread was told, else what was set for all, else
// `parallel_processors()`.
int parallel_threads(void);
// Sets how many later work uses, the calling thread's in oneDNN included. At least 1.
void parallel_set_threads(int threads);
// Tells the calling thread how many its work uses, oneDNN's included; 0 for as many as all else. Returns what it was told
// before.
int parallel_use_threads(int threads);

// Gives the calling thread a name of 15 characters at most, which debuggers and system monitors show.
void parallel_name_thread(const char *name);

// Runs body(context, index) for every index in 0..<count, spread over the threads; returns when all are done. The calling
// thread works, too.
void parallel_for(size_t count, void (*body)(void *context, size_t index), void *context);

// What stops work: a number that is set once, from any thread. The work of a thread belongs to one, or to none (NULL); what
// `parallel_for` spreads over other threads belongs to that of its caller.
typedef struct parallel_flag parallel_flag;
parallel_flag *parallel_make_flag(void);
void parallel_free_flag(parallel_flag *flag);
void parallel_cancel(parallel_flag *flag);
bool parallel_is_set(const parallel_flag *flag);
// That of the calling thread's work.
parallel_flag *parallel_cancellation(void);
void parallel_set_cancellation(parallel_flag *flag);
// Whether the calling thread's work is to stop: what loops look at that take long.
bool parallel_is_cancelled(void);

// How many processors this process may use: those that its affinity allows, and no more than the quotas of its control
// groups pay for. At least 1.
int parallel_processors(void);

// How many processors the quotas of control groups pay for, rounded down; 0 where there are none. `groups` is the text of
// /proc/self/cgroup, `mount` where control groups are mounted (/sys/fs/cgroup). Linux's cgroup-v2.rst, "CPU Interface
// Files"; of version 1, sched-bwc.rst. Every group above has its say, too.
int parallel_quota(const char *groups, const char *mount);

// The library of GNU's OpenMP, which oneDNN runs on; NULL where it cannot be loaded. Whatever needs it is loaded after
// this, as it is loaded with short waiting: see parallel.c.
void *parallel_library(void);
