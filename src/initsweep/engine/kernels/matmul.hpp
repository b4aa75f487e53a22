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

// The summed index runs over `runs` runs of K; each run starts `run` floats after the last one.
// Left factor: element (m, k) is data[m * ld + k], or data[k * ld + m] if transposed.
// Right factor: element (k, n) is data[k * ld + n].
struct Factor {
    const float *data;
    ptrdiff_t ld;
    ptrdiff_t run = 0;
};

struct Result {
    float *data;
    ptrdiff_t ld;
    const float *bias = nullptr; // a row that sums start from
    bool add = false;            // to what is there; summing apart first keeps rounding small
};

// A tile of ROWS x (VECTORS * WIDTH) results, kept in registers while k runs.
template <int ROWS, int VECTORS, bool TRANSPOSED>
INLINE void tile(ptrdiff_t K, int runs, Factor a, Factor b, Result c) {
    V sum[ROWS][VECTORS];
    for (int m = 0; m < ROWS; m++)
        for (int v = 0; v < VECTORS; v++) sum[m][v] = c.bias ? load(c.bias + v * WIDTH) : V{};
    for (int run = 0; run < runs; run++, a.data += a.run, b.data += b.run) {
        // One pointer serves three rows: x86 can address p, p + ld and p + 2 ld.
        const float *row[(ROWS + 2) / 3];
        for (int m = 0; m < ROWS; m += 3) row[m / 3] = a.data + m * a.ld;
        for (ptrdiff_t k = 0; k < K; k++) {
            V right[VECTORS];
            for (int v = 0; v < VECTORS; v++) right[v] = load(b.data + k * b.ld + v * WIDTH);
#pragma GCC unroll 16
            for (int m = 0; m < ROWS; m++) {
                V left = all(TRANSPOSED ? a.data[k * a.ld + m] : row[m / 3][(m % 3) * a.ld + k]);
                for (int v = 0; v < VECTORS; v++) sum[m][v] += left * right[v];
            }
        }
    }
    for (int m = 0; m < ROWS; m++)
        for (int v = 0; v < VECTORS; v++) {
            float *to = c.data + m * c.ld + v * WIDTH;
            store(to, c.add ? load(to) + sum[m][v] : sum[m][v]);
        }
}

template <int ROWS, int VECTORS, bool TRANSPOSED>
INLINE void tile_of(int rows, ptrdiff_t K, int runs, Factor a, Factor b, Result c) {
    if constexpr (ROWS > 0) {
        if (rows == ROWS)
            tile<ROWS, VECTORS, TRANSPOSED>(K, runs, a, b, c);
        else
            tile_of<ROWS - 1, VECTORS, TRANSPOSED>(rows, K, runs, a, b, c);
    }
}

// All rows of one column of tiles.
template <int VECTORS, bool TRANSPOSED>
static void panel(int M, ptrdiff_t K, int runs, Factor a, Factor b, Result c) {
    int tiles = (M + TILE_ROWS - 1) / TILE_ROWS;
    for (int t = 0; t < tiles; t++) {
        int rows = M / (tiles - t); // tiles of nearly equal height
        tile_of<TILE_ROWS, VECTORS, TRANSPOSED>(rows, K, runs, a, b, c);
        a.data += TRANSPOSED ? rows : rows * a.ld;
        c.data += rows * c.ld;
        M -= rows;
    }
}

// C (M, N) = A (M, K) B (K, N), N a multiple of BLOCK.
template <bool TRANSPOSED>
static void matmul(int M, int N, ptrdiff_t K, Factor a, Factor b, Result c, int runs = 1) {
    auto advance = [&](int columns) {
        b.data += columns, c.data += columns, N -= columns;
        if (c.bias) c.bias += columns;
    };
    for (; N >= TILE_VECTORS * WIDTH; advance(TILE_VECTORS * WIDTH))
        panel<TILE_VECTORS, TRANSPOSED>(M, K, runs, a, b, c);
    for (; N > 0; advance(WIDTH)) panel<1, TRANSPOSED>(M, K, runs, a, b, c);
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
