#pragma once
// What Winograd's forms share: where their tiles lie, and how threads take turns at blocks of them.

#include "CKernels.h"
#include "CParallel.h"

#include <stdatomic.h>

static inline int64_t winograd_up(int64_t value, int64_t multiple) {
    return (value + multiple - 1) / multiple * multiple;
}

// Tiles of `results` × `results` pixels, row by row, picture by picture.
static inline int64_t winograd_columns(const ckernels_convolution_shape *s, int64_t results) {
    return (s->width + results - 1) / results;
}
static inline int64_t winograd_rows(const ckernels_convolution_shape *s, int64_t results) {
    return (s->height + results - 1) / results;
}
static inline int64_t winograd_tiles(const ckernels_convolution_shape *s, int64_t results) {
    return s->batch * winograd_rows(s, results) * winograd_columns(s, results);
}

typedef struct {
    int64_t picture, row, column; // of tiles
} winograd_place;

static inline winograd_place winograd_place_of(const ckernels_convolution_shape *s, int64_t results, int64_t tile) {
    const int64_t columns = winograd_columns(s, results), rows = winograd_rows(s, results), row = tile / columns;
    return (winograd_place){row / rows, row % rows, tile % columns};
}

// How many of `groups` to take at a time, from half of `most` to `most`, so that the threads have the least unequal work.
static inline int64_t winograd_groups(int64_t groups, int64_t most, int threads) {
    int64_t best = most, least = INT64_MAX;
    for (int64_t size = most; size >= most / 2; size--) {
        const int64_t blocks = (groups + size - 1) / size, last = groups - (blocks - 1) * size;
        const int64_t rounds = (blocks + threads - 1) / threads;
        // The thread with most to do: full blocks, but for one that has the last block as its last.
        const int64_t work = blocks % threads == 1 % threads ? (rounds - 1) * size + last : rounds * size;
        if (work < least) least = work, best = size;
    }
    return best;
}

enum { PANEL = 64 }; // out channels at a time: four registers of sums

// What a thread does at a time: some tiles, for some of the out channels.
typedef struct {
    int64_t first, count;         // tiles
    int64_t channel, channel_end; // multiples of PANEL
} winograd_block;

// A convolution that is being computed.
typedef struct winograd_run winograd_run;
struct winograd_run {
    const ckernels_convolution_shape *shape;
    const uint16_t *x;
    const char *packed;
    const float *bias;
    uint16_t *y;
    char *scratch;
    int64_t block, results; // tiles a block, a tile's side
    size_t scratch_size;    // a thread's
    void (*run_block)(const winograd_run *run, const winograd_block *block, char *scratch);
    int64_t parts;      // of the out channels
    atomic_size_t next; // block and part to be taken
};

static inline void winograd_take_blocks(void *context, size_t worker) {
    winograd_run *run = context;
    const int64_t tiles = winograd_tiles(run->shape, run->results), panels = run->shape->out_channels / PANEL;
    for (;;) {
        const int64_t index = (int64_t)atomic_fetch_add_explicit(&run->next, 1, memory_order_relaxed);
        const int64_t first = index / run->parts * run->block, part = index % run->parts;
        if (first >= tiles) return;
        const winograd_block block = {
            .first = first,
            .count = tiles - first < run->block ? tiles - first : run->block,
            .channel = panels * part / run->parts * PANEL,
            .channel_end = panels * (part + 1) / run->parts * PANEL,
        };
        run->run_block(run, &block, run->scratch + worker * run->scratch_size);
    }
}

// Where there are fewer blocks than threads, their out channels are divided: each thread transforms the block for itself,
// and reads only its share of the weights.
static inline void winograd_execute(winograd_run *run, int threads) {
    const int64_t blocks = (winograd_tiles(run->shape, run->results) + run->block - 1) / run->block;
    const int64_t panels = run->shape->out_channels / PANEL, parts = (threads + blocks - 1) / blocks;
    run->parts = parts < panels ? parts : panels;
    parallel_for((size_t)threads, winograd_take_blocks, run);
}
