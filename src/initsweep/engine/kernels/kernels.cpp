// The plain C interface that library.py declares.
#include "recorded.hpp"

#define EXPORT extern "C" __attribute__((visibility("default")))

// What this was built from; sources.py computes it.
EXPORT const char *kernels_sources() { return SOURCES_SHA; }

// Null if there is not enough memory.
EXPORT Trainer *trainer_new(const Settings *settings, const Operation *operations) {
    try {
        return new Trainer(*settings, operations);
    } catch (const std::bad_alloc &) {
        return nullptr;
    }
}
EXPORT void trainer_free(Trainer *trainer) { delete trainer; }
EXPORT void trainer_restart(Trainer *trainer) { trainer->restart(); }
EXPORT int trainer_copy(Trainer *trainer, int operation, int role, float *tensor, int read) {
    return trainer->copy(operation, role, tensor, read);
}
EXPORT int64_t trainer_memory(const Trainer *trainer) { return trainer->memory(); }
EXPORT void trainer_remember(Trainer *trainer, int64_t *steps, float *room, int read) {
    trainer->remember(steps, room, read);
}
EXPORT int trainer_train(Trainer *trainer, const float *features, const void *targets,
                         const int64_t *order, int steps, const double *rates, double limit,
                         double *losses) {
    return trainer->train(features, targets, order, steps, rates, limit, losses);
}
EXPORT void trainer_predict(Trainer *trainer, const float *features, int64_t n, float *outputs) {
    trainer->predict(features, n, outputs);
}
EXPORT int losses_recorded(int loss, const float *outputs, int64_t groups, int64_t n, int64_t width,
                           const void *targets, int64_t step, const double *weights,
                           double *losses) {
    return recorded_losses(loss, outputs, groups, n, width, targets, step, weights, losses);
}

// Multiply-adds of vectors in registers, for measuring what the core can do at most. Returns the
// number of operations.
EXPORT double registers_multiply_add(int64_t rounds) {
    constexpr int SUMS = 12; // enough to hide the latency, few enough for the registers
    V sum[SUMS], factor = all(1.0f + 1e-7f), term = all(1e-9f);
    for (int i = 0; i < SUMS; i++) sum[i] = all(float(i)); // equal ones would be merged
    for (int64_t round = 0; round < rounds; round++)
        for (V &s : sum) s = fused(s, factor, term);
    V total = {};
    for (V s : sum) total += s;
    volatile float used = total[0]; // so that nothing is optimized away
    (void)used;
    return 2.0 * SUMS * WIDTH * double(rounds);
}
