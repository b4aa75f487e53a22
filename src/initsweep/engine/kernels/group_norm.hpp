// Normalization of groups of channels of one example over all of their pixels.
#pragma once

#include "network.hpp"

// Source: Wu and He (2018), equations 1 to 6; with groups of one channel, Ulyanov et al. (2016).
class GroupNorm : public Layer {
    int groups_;
    float epsilon_;
    bool affine_;
    Memory mean_, inverse_;   // of every example, by channel
    Memory first_, second_;   // sums over pixels, then shares of the groups
    float count() const { return float(in->pixels) * float(in->channels / groups_); }

  public:
    GroupNorm(int groups, int channels, float epsilon, bool affine, int batch)
        : groups_(groups), epsilon_(epsilon), affine_(affine) {
        int width = whole_blocks(channels);
        if (affine) parameters = {{0, width}, {0, width}};
        for (Memory *memory : {&mean_, &inverse_}) *memory = Memory(size_t(batch) * width);
        for (Memory *memory : {&first_, &second_}) *memory = Memory(width);
    }

    void forward(int n, bool) override {
        int width = in->width;
        for (int b = 0; b < n; b++) {
            const float *from = in->data + b * in->stride;
            float *to = out->data + b * out->stride;
            float *mean = mean_.get() + ptrdiff_t(b) * width, *inverse = inverse_.get() + ptrdiff_t(b) * width;
            sum_rows(in->pixels, width, from, width, mean, false);
            level(mean, [](float share) { return share; });
            for (int j = 0; j < width; j += WIDTH) {
                V centre = load(mean + j);
                store(inverse + j, sum_pixels([&](ptrdiff_t row, V sum) {
                          V d = load(from + row * width + j) - centre;
                          return fused(d, d, sum);
                      }));
            }
            level(inverse, [&](float share) { return 1.0f / std::sqrt(share + epsilon_); });
            for (int j = 0; j < width; j += WIDTH) {
                V centre = load(mean + j), scale = load(inverse + j) * weight(j);
                V shift = affine_ ? load(value(1) + j) : V{};
                for (ptrdiff_t i = j; i < ptrdiff_t(in->pixels) * width; i += width)
                    store(to + i, fused(load(from + i) - centre, scale, shift));
            }
        }
    }

    void backward(int n, bool add) override {
        for (int b = 0; b < n; b++, add = true) {
            for (int j = 0; j < in->width; j += WIDTH) measure(b, j, add);
            if (!in->needs_gradient) continue;
            level(first_.get(), [](float share) { return share; });
            level(second_.get(), [](float share) { return share; });
            for (int j = 0; j < in->width; j += WIDTH) pass(b, j);
        }
    }

    bool copy(Role role, float *torchs, bool read) override {
        if (role > BIAS || !affine_) return false;
        for (int c = 0; c < in->channels; c++) move(value(role)[c], torchs[c], read);
        return true;
    }

  private:
    V weight(int j) const { return affine_ ? load(value(0) + j) : all(1.0f); }

    // Sum over the pixels, first within blocks of them; plus(row, sum) is the sum with a pixel more.
    template <class Plus> V sum_pixels(Plus plus) const {
        V total = {};
        for (ptrdiff_t start = 0; start < in->pixels; start += BLOCK) {
            V part = {};
            for (ptrdiff_t row = start; row < std::min<ptrdiff_t>(start + BLOCK, in->pixels); row++)
                part = plus(row, part);
            total += part;
        }
        return total;
    }

    // Every channel of a group gets what a function makes of the group's mean.
    template <class Function> void level(float *sums, Function function) const {
        int size = in->channels / groups_;
        for (float *group = sums; group < sums + in->channels; group += size) {
            float share = function(sum_of(size, [&](int c) { return group[c]; }) / count());
            std::fill(group, group + size, share);
        }
    }

    // Sums of the gradient, and of its products with centred inputs, for the channels at j.
    void measure(int b, int j, bool add) {
        const float *x = in->data + b * in->stride + j, *g = out->gradient + b * out->stride + j;
        V mean = load(mean_.get() + ptrdiff_t(b) * in->width + j);
        V inverse = load(inverse_.get() + ptrdiff_t(b) * in->width + j);
        V sum = sum_pixels([&](ptrdiff_t row, V part) { return part + load(g + row * in->width); });
        V product = sum_pixels([&](ptrdiff_t row, V part) {
            return fused(load(g + row * in->width), load(x + row * in->width) - mean, part);
        });
        if (affine_) {
            V own = product * inverse;
            store(gradient(0) + j, add ? load(gradient(0) + j) + own : own);
            store(gradient(1) + j, add ? load(gradient(1) + j) + sum : sum);
        }
        store(first_.get() + j, sum * weight(j));
        store(second_.get() + j, product * weight(j));
    }

    void pass(int b, int j) {
        const float *x = in->data + b * in->stride, *g = out->gradient + b * out->stride;
        float *to = in->gradient + b * in->stride;
        V mean = load(mean_.get() + ptrdiff_t(b) * in->width + j);
        V inverse = load(inverse_.get() + ptrdiff_t(b) * in->width + j);
        V first = load(first_.get() + j), slope = load(second_.get() + j) * inverse * inverse;
        for (ptrdiff_t i = j; i < ptrdiff_t(in->pixels) * in->width; i += in->width) {
            V result = fused(mean - load(x + i), slope, load(g + i) * weight(j) - first) * inverse;
            store(to + i, add_input_gradient ? load(to + i) + result : result);
        }
    }
};
