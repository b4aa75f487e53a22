// Matrix products on one core, on rows padded to whole blocks. Every element of a result is one
// chain of fused multiply-adds in the order of the summed index, whatever the tile it lies in.
#pragma once

#include "vector.hpp"

constexpr int TILE_VECTORS = 2;
#if defined(__AVX512F__)
constexpr int TILE_ROWS = 14; // 28 sums in 32 registers
#elif defined(__AVX__)
constexpr int TILE_ROWS = 6; // 12 sums in 16 registers
#else
constexpr int TILE_ROWS = 4;
#endif

// How rows m and the summed index k find their element of the left factor:
enum Left {
    ROWS,    // data[m * ld + k], for all columns
    COLUMNS, // data[k * ld + m], for all columns: the factor is transposed
    LANES,   // data[m * ld + k * step + n], column n for itself: nothing is summed over channels
};

// Right factor: element (k, n) is data[k * ld + n].
struct Factor {
    const float *data;
    ptrdiff_t ld;
    ptrdiff_t step = 1;
};

struct Result {
    float *data;
    ptrdiff_t ld;
    const float *bias = nullptr; // a row that sums start from
    bool add = false;            // to what is there; summing apart first keeps rounding small
};

// The summed index may run on in other places: where, in floats from the start of each factor.
struct Run {
    ptrdiff_t left, right;
};
struct Runs {
    const Run *first;
    int count;
};
constexpr Run AT_ONCE = {0, 0};

// A tile of M x (VECTORS * WIDTH) results, kept in registers while k goes through K numbers a run.
template <int M, int VECTORS, Left LEFT>
INLINE void tile(ptrdiff_t K, Runs runs, Factor a, Factor b, Result c) {
    V sum[M][VECTORS];
    for (int m = 0; m < M; m++)
        for (int v = 0; v < VECTORS; v++) sum[m][v] = c.bias ? load(c.bias + v * WIDTH) : V{};
    for (int run = 0; run < runs.count; run++) {
        const float *left = a.data + runs.first[run].left, *right = b.data + runs.first[run].right;
        // One pointer serves three rows: x86 can address p, p + ld and p + 2 ld.
        const float *row[(M + 2) / 3];
        for (int m = 0; m < M; m += 3) row[m / 3] = left + m * a.ld;
        for (ptrdiff_t k = 0; k < K; k++) {
            V factor[VECTORS];
            for (int v = 0; v < VECTORS; v++) factor[v] = load(right + k * b.ld + v * WIDTH);
#pragma GCC unroll 16
            for (int m = 0; m < M; m++) {
                const float *at = row[m / 3] + (m % 3) * a.ld;
                if constexpr (LEFT == LANES) {
                    for (int v = 0; v < VECTORS; v++)
                        sum[m][v] = fused(load(at + k * a.step + v * WIDTH), factor[v], sum[m][v]);
                } else {
                    V value = all(LEFT == COLUMNS ? left[k * a.ld + m] : at[k]);
                    for (int v = 0; v < VECTORS; v++) sum[m][v] = fused(value, factor[v], sum[m][v]);
                }
            }
        }
    }
    for (int m = 0; m < M; m++)
        for (int v = 0; v < VECTORS; v++) {
            float *to = c.data + m * c.ld + v * WIDTH;
            store(to, c.add ? load(to) + sum[m][v] : sum[m][v]);
        }
}

template <int M, int VECTORS, Left LEFT>
INLINE void tile_of(int rows, ptrdiff_t K, Runs runs, Factor a, Factor b, Result c) {
    if constexpr (M > 0) {
        if (rows == M)
            tile<M, VECTORS, LEFT>(K, runs, a, b, c);
        else
            tile_of<M - 1, VECTORS, LEFT>(rows, K, runs, a, b, c);
    }
}

// All rows of one column of tiles.
template <int VECTORS, Left LEFT>
static void panel(int M, ptrdiff_t K, Runs runs, Factor a, Factor b, Result c) {
    int tiles = (M + TILE_ROWS - 1) / TILE_ROWS;
    for (int t = 0; t < tiles; t++) {
        int rows = M / (tiles - t); // tiles of nearly equal height
        tile_of<TILE_ROWS, VECTORS, LEFT>(rows, K, runs, a, b, c);
        a.data += LEFT == COLUMNS ? rows : rows * a.ld;
        c.data += rows * c.ld;
        M -= rows;
    }
}

// C (M, N) = A (M, K) B (K, N), N a multiple of BLOCK; the sum goes through K numbers in each run.
template <Left LEFT>
static void matmul(int M, int N, ptrdiff_t K, Factor a, Factor b, Result c,
                   Runs runs = {&AT_ONCE, 1}) {
    auto advance = [&](int columns) {
        b.data += columns, c.data += columns, N -= columns;
        if (LEFT == LANES) a.data += columns;
        if (c.bias) c.bias += columns;
    };
    for (; N >= TILE_VECTORS * WIDTH; advance(TILE_VECTORS * WIDTH))
        panel<TILE_VECTORS, LEFT>(M, K, runs, a, b, c);
    for (; N > 0; advance(WIDTH)) panel<1, LEFT>(M, K, runs, a, b, c);
}

// B (columns, rows) = A (rows, columns) transposed, by squares of one vector's width.
INLINE void transpose_square(const float *a, ptrdiff_t lda, float *b, ptrdiff_t ldb) {
    V row[WIDTH], next[WIDTH];
    I low, high; // interleave the first and the second halves of two vectors
    for (int i = 0; i < WIDTH; i++) {
        low[i] = i / 2 + (i % 2) * WIDTH;
        high[i] = low[i] + WIDTH / 2;
    }
    for (int i = 0; i < WIDTH; i++) row[i] = load(a + i * lda);
#pragma GCC unroll 4
    for (int stage = 1; stage < WIDTH; stage *= 2) {
        for (int i = 0; i < WIDTH / 2; i++) {
            next[2 * i] = __builtin_shuffle(row[i], row[i + WIDTH / 2], low);
            next[2 * i + 1] = __builtin_shuffle(row[i], row[i + WIDTH / 2], high);
        }
        for (int i = 0; i < WIDTH; i++) row[i] = next[i];
    }
    for (int i = 0; i < WIDTH; i++) store(b + i * ldb, row[i]);
}

static void transpose(int rows, int columns, const float *a, ptrdiff_t lda, float *b,
                      ptrdiff_t ldb) {
    int whole_rows = rows / WIDTH * WIDTH, whole_columns = columns / WIDTH * WIDTH;
    for (int i = 0; i < whole_rows; i += WIDTH)
        for (int j = 0; j < whole_columns; j += WIDTH)
            transpose_square(a + i * lda + j, lda, b + j * ldb + i, ldb);
    for (int i = 0; i < rows; i++)
        for (int j = i < whole_rows ? whole_columns : 0; j < columns; j++)
            b[j * ldb + i] = a[i * lda + j];
}
