// Losses as they are recorded: in double, and in an order that does not depend on the processor.
#pragma once

#include "trainer.hpp"

// exp(x) for x <= 0, below 1 ulp in tests; of less than -708 it is exp(-708). Not for NaN.
// Source: Cody and Waite (1980), Software Manual for the Elementary Functions, ch. 6, with a Taylor
// polynomial. The sum with a large number rounds to a whole one, which stands in its last bits.
INLINE double exponential_below_one(double x) {
    constexpr double LOG2_E = 0x1.71547652b82fep0, ROUNDER = 0x1.8p52;
    constexpr double LN2_HIGH = 0x1.62e42fefa39efp-1, LN2_LOW = 0x1.abc9e3b39803fp-56;
    constexpr double TERMS[] = {1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880,
                                1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120,
                                1.0 / 24, 1.0 / 6, 0.5, 1.0, 1.0};
    x = x > -708.0 ? x : -708.0;
    double shifted = fused(x, LOG2_E, ROUNDER), whole = shifted - ROUNDER;
    double rest = fused(-whole, LN2_LOW, fused(-whole, LN2_HIGH, x));
    double power = 1.0 / 6227020800;
#pragma GCC unroll 13
    for (double term : TERMS) power = fused(power, rest, term);
    int64_t exponent, binary;
    std::memcpy(&exponent, &shifted, sizeof exponent);
    std::memcpy(&binary, &power, sizeof binary);
    binary += int64_t(uint64_t(exponent) << 52);
    std::memcpy(&power, &binary, sizeof power);
    return power;
}

// Mean cross-entropy of n examples; weights of classes or null. Negative if a target is no class.
// Source: Bishop (2006), Pattern Recognition and Machine Learning, equation 4.108.
inline double recorded_cross_entropy(const float *outputs, int64_t n, int64_t classes,
                                     const int64_t *targets, const double *weights,
                                     std::vector<double> &room) {
    double total = 0;
    for (int64_t start = 0, rows = int64_t(room.size()) / (classes + 1); start < n; start += rows) {
        int64_t count = std::min(rows, n - start);
        double *shares = room.data(), *largest = shares + rows * classes;
        for (int64_t i = 0; i < count; i++) {
            const float *z = outputs + (start + i) * classes;
            float top = z[0];
            for (int64_t c = 1; c < classes; c++) top = z[c] > top || z[c] != z[c] ? z[c] : top;
            largest[i] = top;
            for (int64_t c = 0; c < classes; c++) shares[i * classes + c] = z[c] - largest[i];
        }
        for (int64_t k = 0; k < count * classes; k++) shares[k] = exponential_below_one(shares[k]);
        for (int64_t i = 0; i < count; i++) {
            int64_t target = targets[start + i];
            if (target < 0 || target >= classes) return -1;
            double sum = 0, finite = largest[i] - largest[i]; // NaN if it is not
            for (int64_t c = 0; c < classes; c++) sum += shares[i * classes + c];
            double loss = std::log(sum) + (largest[i] - outputs[(start + i) * classes + target]);
            total = fused(weights ? weights[target] : 1.0, loss + finite, total);
        }
    }
    return total / double(n);
}

// Mean over n predictions. Sources: as in Trainer::error_of.
inline double recorded_error(int loss, const float *outputs, int64_t n, const float *targets) {
    double total = 0;
    for (int64_t i = 0; i < n; i++) {
        double error = double(outputs[i]) - double(targets[i]), size = std::fabs(error);
        double half = loss == SQUARED_ERROR ? error * error : 0.5 * error * error;
        total += loss == ABSOLUTE_ERROR ? size : loss == HUBER && size > 1 ? size - 0.5 : half;
    }
    return total / double(n);
}

// Losses of `groups` times n examples; the targets of a group begin `step` after those of the last.
// False if a target is no class.
inline bool recorded_losses(int loss, const float *outputs, int64_t groups, int64_t n, int64_t width,
                            const void *targets, int64_t step, const double *weights, double *losses) {
    std::vector<double> room(std::max<int64_t>(1024, width + 1));
    for (int64_t g = 0; g < groups; g++, outputs += n * width) {
        if (loss == CROSS_ENTROPY || loss == WEIGHTED_CROSS_ENTROPY)
            losses[g] = recorded_cross_entropy(outputs, n, width,
                                               static_cast<const int64_t *>(targets) + g * step,
                                               weights, room);
        else
            losses[g] = recorded_error(loss, outputs, n, static_cast<const float *>(targets) + g * step);
        if (losses[g] < 0) return false;
    }
    return true;
}
