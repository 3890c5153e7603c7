// Spreads work over the threads of the OpenMP team that oneDNN runs on.
//
// On Linux that is GNU's runtime, called through its stable entry point (GOMP_parallel: libgomp's manual, "Implementing
// PARALLEL construct"), because the compiler that comes with Swift has no OpenMP headers of its own. A second pool
// would compete with oneDNN's threads, which spin for a while after each product. On macOS it is libdispatch (untested).

#include "CKernels.h"

#include <stdatomic.h>
#include <unistd.h>

typedef struct {
    size_t count;
    void (*body)(void *, size_t);
    void *context;
    atomic_size_t next;
} job;

static atomic_int thread_count;

int ckernels_threads(void) {
    int n = atomic_load(&thread_count);
    if (n > 0) return n;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores > 0 ? (int)cores : 1;
}

#if defined(__APPLE__)

#include <dispatch/dispatch.h>

void ckernels_set_threads(int threads) { atomic_store(&thread_count, threads < 1 ? 1 : threads); }

static void run_index(void *data, size_t index) {
    job *j = data;
    j->body(j->context, index);
}

void ckernels_parallel_for(size_t count, void (*body)(void *, size_t), void *context) {
    job j = {count, body, context, 0};
    dispatch_apply_f(count, DISPATCH_APPLY_AUTO, &j, run_index);
}

#else

void GOMP_parallel(void (*function)(void *), void *data, unsigned threads, unsigned flags);
void omp_set_num_threads(int threads);

void ckernels_set_threads(int threads) {
    if (threads < 1) threads = 1;
    atomic_store(&thread_count, threads);
    omp_set_num_threads(threads);
}

static void take_turns(void *data) {
    job *j = data;
    size_t index;
    while ((index = atomic_fetch_add_explicit(&j->next, 1, memory_order_relaxed)) < j->count)
        j->body(j->context, index);
}

#if __has_feature(thread_sanitizer)

// GNU's runtime starts and joins its threads where the sanitizer does not see it: it would call all of their work a race.

#include <pthread.h>

static void *take_turns_alone(void *data) {
    take_turns(data);
    return NULL;
}

static void run_team(job *j, size_t threads) {
    enum { MOST = 64 };
    pthread_t others[MOST];
    size_t started = 0;
    while (started + 1 < threads && started < MOST && !pthread_create(&others[started], NULL, take_turns_alone, j))
        started++;
    take_turns(j);
    for (size_t i = 0; i < started; i++) pthread_join(others[i], NULL);
}

#else

static void run_team(job *j, size_t threads) { GOMP_parallel(take_turns, j, (unsigned)threads, 0); }

#endif

void ckernels_parallel_for(size_t count, void (*body)(void *, size_t), void *context) {
    if (count == 0) return;
    job j = {count, body, context, 0};
    size_t threads = (size_t)ckernels_threads();
    if (count < threads) threads = count;
    if (threads == 1) take_turns(&j);
    else run_team(&j, threads);
}

#endif
