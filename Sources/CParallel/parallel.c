// Spreads work over a team of threads: on Linux the OpenMP team that oneDNN runs on, as a second one would compete with
// its threads, which spin for a while after each product; on macOS libdispatch's (untested).
//
// GNU's OpenMP is called through its stable entry point (GOMP_parallel: libgomp's manual, "Implementing PARALLEL
// construct"), because the compiler that comes with Swift has no OpenMP headers of its own. It is loaded when it is first
// needed, not with the program: how long its threads spin is read from the environment once, as it is loaded, and by
// default is long. On a machine whose processors are busy with other programs each of the hundreds of waits in a step
// then lasts as long as the scheduler's time slice: a step of the embedded model took 0.95 s where it takes 0.05 s with
// short spinning (2 cores, load 4).

#ifdef __linux__
#define _GNU_SOURCE
#endif

#include "CParallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

typedef struct {
    size_t count;
    void (*body)(void *, size_t);
    void *context;
    atomic_size_t next;
    parallel_flag *cancellation;
} job;

static atomic_int thread_count;
static _Thread_local int own_count; // 0: as many as all else

struct parallel_flag {
    atomic_bool is_set;
};
static _Thread_local parallel_flag *cancellation;

parallel_flag *parallel_make_flag(void) {
    parallel_flag *flag = calloc(1, sizeof *flag);
    if (!flag) abort(); // one byte
    return flag;
}

void parallel_free_flag(parallel_flag *flag) { free(flag); }
void parallel_cancel(parallel_flag *flag) { atomic_store(&flag->is_set, true); }
bool parallel_is_set(const parallel_flag *flag) { return atomic_load_explicit(&flag->is_set, memory_order_relaxed); }
parallel_flag *parallel_cancellation(void) { return cancellation; }
void parallel_set_cancellation(parallel_flag *flag) { cancellation = flag; }
bool parallel_is_cancelled(void) { return cancellation && parallel_is_set(cancellation); }

int parallel_threads(void) {
    if (own_count > 0) return own_count;
    int threads = atomic_load(&thread_count);
    if (threads > 0) return threads;
    threads = parallel_processors();
    int unset = 0;
    return atomic_compare_exchange_strong(&thread_count, &unset, threads) ? threads : unset;
}

static void take_turns(void *data) {
    job *j = data;
    size_t index;
    parallel_flag *own = cancellation;
    cancellation = j->cancellation;
    while ((index = atomic_fetch_add_explicit(&j->next, 1, memory_order_relaxed)) < j->count)
        j->body(j->context, index);
    cancellation = own;
}

#if defined(__APPLE__)

#include <dispatch/dispatch.h>

void parallel_name_thread(const char *name) { pthread_setname_np(name); }

void *parallel_library(void) { return NULL; }

void parallel_set_threads(int threads) { atomic_store(&thread_count, threads < 1 ? 1 : threads); }

int parallel_use_threads(int threads) {
    const int before = own_count;
    own_count = threads < 0 ? 0 : threads;
    return before;
}

static void take_turns_of(void *data, size_t worker) {
    (void)worker;
    take_turns(data);
}

static void run_team(job *j, size_t threads) { dispatch_apply_f(threads, DISPATCH_APPLY_AUTO, j, take_turns_of); }

#else

#include <dlfcn.h>

void parallel_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

// About 20 µs: long enough for the gap between two parallel parts on an idle machine.
#define SPIN_COUNT "1000"

static void *library;
static void (*gomp_parallel)(void (*function)(void *), void *data, unsigned threads, unsigned flags);
static void (*omp_set_threads)(int threads);
static pthread_once_t library_once = PTHREAD_ONCE_INIT;

static void load(void) {
    // Whoever has settled how threads wait has it so.
    const bool is_settled = getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT");
    if (!is_settled) setenv("GOMP_SPINCOUNT", SPIN_COUNT, 1);
    library = dlopen("libgomp.so.1", RTLD_NOW | RTLD_GLOBAL);
    if (!is_settled) unsetenv("GOMP_SPINCOUNT");
    if (!library) return;
    gomp_parallel = (__typeof__(gomp_parallel))dlsym(library, "GOMP_parallel");
    omp_set_threads = (__typeof__(omp_set_threads))dlsym(library, "omp_set_num_threads");
}

void *parallel_library(void) {
    pthread_once(&library_once, load);
    return library;
}

void parallel_set_threads(int threads) {
    if (threads < 1) threads = 1;
    atomic_store(&thread_count, threads);
    if (parallel_library() && omp_set_threads) omp_set_threads(threads);
}

int parallel_use_threads(int threads) {
    const int before = own_count;
    own_count = threads < 0 ? 0 : threads;
    // OpenMP remembers a number for each thread.
    if (parallel_library() && omp_set_threads) omp_set_threads(parallel_threads());
    return before;
}

// Threads of its own: where GNU's library is missing, and under ThreadSanitizer, which does not see how that starts and
// joins its threads, and would call all of their work a race.
static void *take_turns_alone(void *data) {
    take_turns(data);
    return NULL;
}

static void run_threads(job *j, size_t threads) {
    enum { MOST = 64 };
    pthread_t others[MOST];
    size_t started = 0;
    while (started + 1 < threads && started < MOST && !pthread_create(&others[started], NULL, take_turns_alone, j))
        started++;
    take_turns(j);
    for (size_t i = 0; i < started; i++) pthread_join(others[i], NULL);
}

static void run_team(job *j, size_t threads) {
#if !__has_feature(thread_sanitizer)
    if (parallel_library() && gomp_parallel) {
        gomp_parallel(take_turns, j, (unsigned)threads, 0);
        return;
    }
#endif
    run_threads(j, threads);
}

#endif

void parallel_for(size_t count, void (*body)(void *, size_t), void *context) {
    if (count == 0) return;
    job j = {count, body, context, 0, cancellation};
    size_t threads = (size_t)parallel_threads();
    if (count < threads) threads = count;
    if (threads == 1) take_turns(&j);
    else run_team(&j, threads);
}
