// Normalization over the batch, and over the features of one example.
#pragma once

#include <algorithm>

#include "network.hpp"

// Over all pixels of all examples, per channel. Source: Ioffe and Szegedy (2015), algorithm 1.
class BatchNorm : public Layer {
    float epsilon_, momentum_;
    Memory mean_, inverse_, running_mean_, running_variance_, sums_, scales_;

  public:
    BatchNorm(int channels, float epsilon, float momentum) : epsilon_(epsilon), momentum_(momentum) {
        int width = whole_blocks(channels);
        parameters = {{0, width}, {0, width}};
        for (Memory *memory : {&mean_, &inverse_, &running_mean_, &running_variance_})
            *memory = Memory(width);
        sums_ = Memory(2 * width), scales_ = Memory(width);
    }

    void restart() override {
        for (Memory *memory : {&mean_, &inverse_, &running_mean_, &running_variance_}) memory->clear();
    }

    void forward(int n, bool training) override {
        ptrdiff_t rows = ptrdiff_t(n) * in->pixels;
        int width = in->width;
        if (training) measure(rows);
        float *scale = scales_.get();
        for (int j = 0; j < width; j += WIDTH) {
            V inverse = training ? load(inverse_.get() + j)
                                 : 1.0f / root(load(running_variance_.get() + j) + epsilon_);
            store(scale + j, inverse * load(value(0) + j));
        }
        const float *mean = (training ? mean_ : running_mean_).get();
        for (ptrdiff_t i = 0; i < rows * in->row(); i += in->row())
            for (int j = 0; j < width; j += WIDTH) {
                V centred = load(in->data + i + j) - load(mean + j);
                store(out->data + i + j, fused(centred, load(scale + j), load(value(1) + j)));
            }
    }

    void backward(int n, bool) override { // always the whole batch at once
        ptrdiff_t rows = ptrdiff_t(n) * in->pixels;
        int width = in->width;
        const float *mean = mean_.get(), *x = in->data, *g = out->gradient;
        float *first = sums_.get(), *slope = sums_.get() + width, *scale = scales_.get();
        sum_rows(rows, width, g, in->row(), gradient(1), false);
        sum_blocks(rows, width, [&](ptrdiff_t row, int j, V sum) {
            return fused(load(g + row * in->row() + j), load(x + row * in->row() + j) - load(mean + j), sum);
        }, slope, false);
        float share = 1.0f / float(rows);
        for (int j = 0; j < width; j += WIDTH) {
            V product = load(slope + j), inverse = load(inverse_.get() + j);
            store(gradient(0) + j, product * inverse);
            store(first + j, load(gradient(1) + j) * share);
            store(scale + j, load(value(0) + j) * inverse);
            store(slope + j, product * share * inverse * inverse);
        }
        if (!in->needs_gradient) return;
        for (ptrdiff_t i = 0; i < rows * in->row(); i += in->row())
            for (int j = 0; j < width; j += WIDTH) {
                V centred = load(x + i + j) - load(mean + j);
                V rest = load(g + i + j) - load(first + j);
                V result = fused(-centred, load(slope + j), rest) * load(scale + j);
                float *to = in->gradient + i + j;
                store(to, add_input_gradient ? load(to) + result : result);
            }
    }

    bool copy(Role role, float *torchs, bool read) override {
        float *ours = role == WEIGHT         ? value(0)
                      : role == BIAS         ? value(1)
                      : role == RUNNING_MEAN ? running_mean_.get()
                                             : running_variance_.get();
        for (int c = 0; c < in->channels; c++) move(ours[c], torchs[c], read);
        return true;
    }

  private:
    // Mean and variance of the rows; the running ones move on.
    void measure(ptrdiff_t rows) {
        int width = in->width;
        float *mean = mean_.get(), *square = sums_.get();
        sum_rows(rows, width, in->data, in->row(), mean, false);
        for (int j = 0; j < width; j += WIDTH) store(mean + j, load(mean + j) / float(rows));
        sum_blocks(rows, width, [&](ptrdiff_t row, int j, V sum) {
            V d = load(in->data + row * in->row() + j) - load(mean + j);
            return fused(d, d, sum);
        }, square, false);
        for (int j = 0; j < width; j += WIDTH)
            store(inverse_.get() + j, 1.0f / root(load(square + j) / float(rows) + epsilon_));
        for (int j = 0; j < width; j++) { // the running variance is the unbiased one
            float &centre = running_mean_.get()[j], &spread = running_variance_.get()[j];
            centre = fused(momentum_, mean[j] - centre, centre);
            spread = fused(momentum_, square[j] / float(rows - 1) - spread, spread);
        }
    }
};

// Over the features of each example. Source: Ba, Kiros and Hinton (2016), equations 3 and 4; with
// a mean of 0, Zhang and Sennrich (2019), equation 4.
class LayerNorm : public Layer {
    float epsilon_;
    bool weight_, bias_, centred_;
    Memory mean_, inverse_;
    Memory counts_; // 1 for each feature, 0 for the padding behind them

  public:
    LayerNorm(int features, float epsilon, bool weight, bool bias, bool centred, int batch)
        : epsilon_(epsilon), weight_(weight), bias_(bias), centred_(centred) {
        parameters.resize(weight + bias, {0, whole_blocks(features)});
        mean_ = Memory(batch), inverse_ = Memory(batch), counts_ = Memory(features);
        std::fill_n(counts_.get(), features, 1.0f);
    }

    void forward(int n, bool) override {
        for (int row = 0; row < n; row++) {
            const float *x = in->data + row * in->stride;
            float &mean = mean_.get()[row], &inverse = inverse_.get()[row];
            mean = centred_ ? average([&](int j, V sum) { return sum + load(x + j); }) : 0.0f;
            float square = average([&](int j, V sum) { return fused(centred(row, j), centred(row, j), sum); });
            inverse = 1.0f / std::sqrt(square + epsilon_);
            for (int j = 0; j < in->width; j += WIDTH) {
                V y = centred(row, j) * inverse;
                store(out->data + row * out->stride + j,
                      bias_ ? fused(y, load(value(0) + j), load(value(1) + j)) : y * weight(j));
            }
        }
    }

    void backward(int n, bool add) override {
        const float *g = out->gradient;
        if (weight_)
            sum_blocks(n, in->width, [&](ptrdiff_t row, int j, V sum) {
                return fused(load(g + row * out->stride + j) * inverse_.get()[row], centred(row, j), sum);
            }, gradient(0), add);
        if (bias_) sum_rows(n, in->width, g, out->stride, gradient(1), add);
        for (int row = 0; in->needs_gradient && row < n; row++) pass(row);
    }

    bool copy(Role role, float *torchs, bool read) override {
        if (!(role == WEIGHT ? weight_ : role == BIAS && bias_)) return false;
        for (int c = 0; c < in->channels; c++) move(value(role)[c], torchs[c], read);
        return true;
    }

  private:
    V weight(int j) const { return weight_ ? load(value(0) + j) : all(1.0f); }
    // The padding, which is 0, stays it.
    V less(V from, float amount, int j) const { return fused(-amount, load(counts_.get() + j), from); }
    V centred(ptrdiff_t row, int j) const {
        return less(load(in->data + row * in->stride + j), mean_.get()[row], j);
    }

    // Mean over the features, from BLOCK sums side by side; plus(j, sum) is the sum with those at j.
    template <class Plus> float average(Plus plus) const {
        V part[BLOCK / WIDTH] = {};
        float sums[BLOCK];
        for (int j = 0; j < in->width; j += BLOCK)
            for (int i = 0; i < BLOCK / WIDTH; i++) part[i] = plus(j + i * WIDTH, part[i]);
        for (int i = 0; i < BLOCK / WIDTH; i++) store(sums + i * WIDTH, part[i]);
        return sum_of(BLOCK, [&](int i) { return sums[i]; }) / float(in->channels);
    }

    void pass(ptrdiff_t row) {
        const float *g = out->gradient + row * out->stride;
        float *to = in->gradient + row * in->stride, inverse = inverse_.get()[row];
        auto scaled = [&](int j) { return load(g + j) * weight(j); };
        float first = centred_ ? average([&](int j, V sum) { return sum + scaled(j); }) : 0.0f;
        float slope = average([&](int j, V sum) { return fused(scaled(j), centred(row, j), sum); });
        slope *= inverse * inverse;
        for (int j = 0; j < in->width; j += WIDTH) {
            V result = fused(-slope, centred(row, j), less(scaled(j), first, j)) * inverse;
            store(to + j, add_input_gradient ? load(to + j) + result : result);
        }
    }
};
