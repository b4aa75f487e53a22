// Vectors of the processor's own width, and the functions of them that networks need.
//
// Every element is computed by the same operations whatever the width, and sums over elements
// are taken in an order that does not depend on it. A product is fused with a sum where `fused` says
// so and nowhere else (-ffp-contract=off): builds for different processors that have fused
// multiply-add agree to the last bit.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__AVX__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
constexpr int WIDTH = 16;
#elif defined(__AVX__)
constexpr int WIDTH = 8;
#else
constexpr int WIDTH = 4;
#endif

// Rows are padded to whole blocks; 16 floats are one cache line.
constexpr int BLOCK = 16;

typedef float V __attribute__((vector_size(WIDTH * 4)));
typedef int32_t I __attribute__((vector_size(WIDTH * 4)));

using std::ptrdiff_t;

#define INLINE static inline __attribute__((always_inline))

INLINE V load(const float *from) {
    V value;
    std::memcpy(&value, from, sizeof value);
    return value;
}
INLINE void store(float *to, V value) { std::memcpy(to, &value, sizeof value); }
INLINE V all(float value) { return value - V{}; }
INLINE V bits(I value) { return (V)value; }
INLINE V where(I mask, V yes, V no) { return bits((mask & (I)yes) | (~mask & (I)no)); }
INLINE V maximum(V a, V b) { return where(a > b, a, b); }
INLINE V minimum(V a, V b) { return where(a < b, a, b); }
INLINE V magnitude(V a) { return bits((I)a & 0x7fffffff); }
INLINE V with_sign_of(V size, V sign) {
    return bits(((I)size & 0x7fffffff) | ((I)sign & (int32_t)0x80000000));
}

#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
constexpr bool FUSES = true;
#else
constexpr bool FUSES = false;
#endif

// a * b + c, rounded once where the processor can.
INLINE double fused(double a, double b, double c) {
    return FUSES ? __builtin_fma(a, b, c) : a * b + c;
}
INLINE float fused(float a, float b, float c) {
    return FUSES ? __builtin_fmaf(a, b, c) : a * b + c;
}
INLINE V fused(V a, V b, V c) {
#if defined(__AVX512F__)
    return (V)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__AVX__) && defined(__FMA__)
    return (V)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
    for (int i = 0; i < WIDTH; i++) c[i] = fused(a[i], b[i], c[i]);
    return c;
#endif
}
INLINE V fused(V a, V b, float c) { return fused(a, b, all(c)); }
INLINE V fused(float a, V b, V c) { return fused(all(a), b, c); }

INLINE V root(V a) {
    V result;
    for (int i = 0; i < WIDTH; i++) result[i] = __builtin_sqrtf(a[i]);
    return result;
}

// 2^n for n in [-126, 127].
INLINE V power_of_two(I n) { return bits((n + 127) << 23); }

struct Reduced { // x = n ln 2 + r, and q = exp(r) - 1
    I n;
    V q;
};

// Cody and Waite's reduction, then the Taylor polynomial of degree 7, |r| <= ln(2) / 2.
INLINE Reduced reduced(V x) {
    const float shift = 12582912.0f; // 1.5 * 2^23: adding it rounds to an integer
    V rounded = fused(1.44269504088896341f, x, all(shift));
    I n = (I)rounded - 0x4b400000;
    V k = rounded - shift;
    V r = fused(-0.693145751953125f, k, x);
    r = fused(-1.428606765330187e-06f, k, r);
    V p = all(1.0f / 5040);
    p = fused(p, r, 1.0f / 720);
    p = fused(p, r, 1.0f / 120);
    p = fused(p, r, 1.0f / 24);
    p = fused(p, r, 1.0f / 6);
    p = fused(p, r, 0.5f);
    return {n, fused(p * r, r, r)};
}

INLINE V exponential(V x) {
    V inside = minimum(maximum(x, all(-104.0f)), all(89.0f)); // beyond: 0 and infinity
    Reduced e = reduced(inside);
    I half = e.n >> 1; // in two steps, as 2^128 and 2^-149 are no normal powers
    V value = (e.q + 1.0f) * power_of_two(half) * power_of_two(e.n - half);
    return where(x == x, value, x);
}

// exp(x) - 1 without cancellation.
INLINE V exponential_minus_one(V x) {
    V inside = minimum(maximum(x, all(-30.0f)), all(88.0f));
    Reduced e = reduced(inside);
    V power = power_of_two(e.n);
    V value = fused(e.q, power, power - 1.0f);
    return where(x == x, value, x);
}

INLINE V sigmoid(V x) { return 1.0f / (1.0f + exponential(-x)); }

// With m = exp(2|x|) - 1: tanh |x| = m / (m + 2).
INLINE V hyperbolic_tangent(V x) {
    V m = exponential_minus_one(minimum(magnitude(x) * 2.0f, all(30.0f)));
    V value = with_sign_of(m / (m + 2.0f), x);
    return where(x == x, value, x);
}

// Natural logarithm of a normal positive number; polynomial of Moshier's Cephes library (logf).
INLINE V logarithm(V x) {
    I exponent = (((I)x - 0x3f3504f3) >> 23);
    V m = bits((I)x - (exponent << 23)) - 1.0f; // 1 + m in [sqrt(1/2), sqrt(2))
    V n = __builtin_convertvector(exponent, V);
    V p = all(7.0376836292e-2f);
    p = fused(p, m, -1.1514610310e-1f);
    p = fused(p, m, 1.1676998740e-1f);
    p = fused(p, m, -1.2420140846e-1f);
    p = fused(p, m, 1.4249322787e-1f);
    p = fused(p, m, -1.6668057665e-1f);
    p = fused(p, m, 2.0000714765e-1f);
    p = fused(p, m, -2.4999993993e-1f);
    p = fused(p, m, 3.3333331174e-1f);
    V z = m * m;
    V y = fused(-0.5f, z, fused(p * m, z, -2.12194440e-4f * n));
    return fused(0.693359375f, n, m + y);
}

// log(1 + exp(x)), which torch replaces by x above 20.
INLINE V soft_plus(V x) {
    V e = exponential(minimum(x, all(20.0f)));
    V u = 1.0f + e;
    V log1p = logarithm(u) - ((u - 1.0f) - e) / u;
    return where(x > 20.0f, x, where(x == x, log1p, x));
}

// Error function, below 1 ulp in tests; minimax polynomials in the form of N. Juffa's erff.
INLINE V error_function(V a) {
    V t = magnitude(a), s = a * a;
    V r = fused(-1.72853470e-5f, t, all(3.83197126e-4f));
    V u = fused(-3.88396438e-3f, t, all(2.42546219e-2f));
    r = fused(r, s, u);
    r = fused(r, t, -1.06777877e-1f);
    r = fused(r, t, -6.34846687e-1f);
    r = fused(r, t, -1.28717512e-1f);
    r = fused(r, t, -t);
    V far = with_sign_of(-exponential_minus_one(r), a);
    V p = all(-5.96761703e-4f);
    p = fused(p, s, 4.99119423e-3f);
    p = fused(p, s, -2.67681349e-2f);
    p = fused(p, s, 1.12819925e-1f);
    p = fused(p, s, -3.76125336e-1f);
    p = fused(p, s, 1.28379166e-1f);
    V near = fused(p, a, a);
    return where(t > 0.927734375f, far, near);
}
