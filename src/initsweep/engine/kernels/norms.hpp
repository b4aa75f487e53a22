// Normalization over the batch, and over the features of one example.
#pragma once

#include "network.hpp"

// Over all pixels of all examples, per channel. Source: Ioffe and Szegedy (2015), algorithm 1.
class BatchNorm : public Layer {
    float epsilon_, momentum_;
    Memory mean_, inverse_, running_mean_, running_variance_, sums_;

  public:
    BatchNorm(int channels, float epsilon, float momentum) : epsilon_(epsilon), momentum_(momentum) {
        int width = whole_blocks(channels);
        parameters = {{0, width}, {0, width}};
        for (Memory *memory : {&mean_, &inverse_, &running_mean_, &running_variance_})
            *memory = Memory(width);
        sums_ = Memory(2 * width);
    }

    void restart() override {
        for (Memory *memory : {&mean_, &inverse_, &running_mean_, &running_variance_}) memory->clear();
    }

    void forward(int n, bool training) override {
        ptrdiff_t rows = ptrdiff_t(n) * in->pixels;
        int width = in->width;
        if (training) measure(rows);
        for (int j = 0; j < width; j += WIDTH) {
            V mean = load((training ? mean_ : running_mean_).get() + j);
            V inverse = training ? load(inverse_.get() + j)
                                 : 1.0f / root(load(running_variance_.get() + j) + epsilon_);
            V scale = inverse * load(value(0) + j), shift = load(value(1) + j);
            for (ptrdiff_t i = j; i < rows * width; i += width)
                store(out->data + i, (load(in->data + i) - mean) * scale + shift);
        }
    }

    void backward(int n, bool) override { // always the whole batch at once
        ptrdiff_t rows = ptrdiff_t(n) * in->pixels;
        int width = in->width;
        float share = 1.0f / float(rows);
        for (int j = 0; j < width; j += WIDTH) {
            V mean = load(mean_.get() + j), inverse = load(inverse_.get() + j);
            V sum = {}, product = {};
            for (ptrdiff_t start = 0; start < rows; start += BLOCK) {
                ptrdiff_t end = start + BLOCK < rows ? start + BLOCK : rows;
                V part = {}, part_product = {};
                for (ptrdiff_t row = start; row < end; row++) {
                    V g = load(out->gradient + row * width + j);
                    part += g;
                    part_product += g * (load(in->data + row * width + j) - mean);
                }
                sum += part, product += part_product;
            }
            store(gradient(0) + j, product * inverse);
            store(gradient(1) + j, sum);
            if (!in->needs_gradient) continue;
            V scale = load(value(0) + j) * inverse, slope = product * share * inverse * inverse;
            for (ptrdiff_t i = j; i < rows * width; i += width) {
                V centred = load(in->data + i) - mean;
                V result = (load(out->gradient + i) - sum * share - centred * slope) * scale;
                store(in->gradient + i, add_input_gradient ? load(in->gradient + i) + result : result);
            }
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
        sum_rows(rows, width, in->data, width, mean, false);
        for (int j = 0; j < width; j += WIDTH) {
            V m = load(mean + j) / float(rows), total = {};
            for (ptrdiff_t start = 0; start < rows; start += BLOCK) {
                ptrdiff_t end = start + BLOCK < rows ? start + BLOCK : rows;
                V part = {};
                for (ptrdiff_t row = start; row < end; row++) {
                    V d = load(in->data + row * width + j) - m;
                    part += d * d;
                }
                total += part;
            }
            store(mean + j, m);
            store(square + j, total);
            store(inverse_.get() + j, 1.0f / root(total / float(rows) + epsilon_));
        }
        for (int j = 0; j < width; j++) { // the running variance is the unbiased one
            running_mean_.get()[j] += momentum_ * (mean[j] - running_mean_.get()[j]);
            float variance = square[j] / float(rows - 1);
            running_variance_.get()[j] += momentum_ * (variance - running_variance_.get()[j]);
        }
    }
};

// Over the features of each example. Source: Ba, Kiros and Hinton (2016), equations 3 and 4.
class LayerNorm : public Layer {
    float epsilon_;
    bool affine_;
    Memory mean_, inverse_;

  public:
    LayerNorm(int features, float epsilon, bool affine, int batch) : epsilon_(epsilon), affine_(affine) {
        if (affine) parameters = {{0, whole_blocks(features)}, {0, whole_blocks(features)}};
        mean_ = Memory(batch), inverse_ = Memory(batch);
    }

    void forward(int n, bool) override {
        for (int row = 0; row < n; row++) {
            const float *x = in->data + row * in->stride;
            float mean = sum([&](int j) { return x[j]; }) / float(in->channels);
            float square = sum([&](int j) { return (x[j] - mean) * (x[j] - mean); });
            float inverse = 1.0f / std::sqrt(square / float(in->channels) + epsilon_);
            mean_.get()[row] = mean, inverse_.get()[row] = inverse;
            for (int j = 0; j < in->channels; j++) {
                float y = (x[j] - mean) * inverse;
                out->data[row * out->stride + j] = affine_ ? y * value(0)[j] + value(1)[j] : y;
            }
        }
    }

    void backward(int n, bool add) override {
        for (int row = 0; row < n; row++) {
            const float *x = in->data + row * in->stride, *g = out->gradient + row * out->stride;
            float mean = mean_.get()[row], inverse = inverse_.get()[row];
            auto scaled = [&](int j) { return affine_ ? g[j] * value(0)[j] : g[j]; };
            float share = 1.0f / float(in->channels);
            float first = sum(scaled) * share;
            float second = sum([&](int j) { return scaled(j) * (x[j] - mean); }) * share;
            float slope = second * inverse * inverse;
            for (int j = 0; j < in->channels; j++) {
                if (affine_) {
                    float own = g[j] * (x[j] - mean) * inverse;
                    bool fresh = row == 0 && !add;
                    gradient(0)[j] = fresh ? own : gradient(0)[j] + own;
                    gradient(1)[j] = fresh ? g[j] : gradient(1)[j] + g[j];
                }
                if (!in->needs_gradient) continue;
                float &to = in->gradient[row * in->stride + j];
                float result = (scaled(j) - first - (x[j] - mean) * slope) * inverse;
                to = add_input_gradient ? to + result : result;
            }
        }
    }

    bool copy(Role role, float *torchs, bool read) override {
        if (role > BIAS || !affine_) return false;
        for (int c = 0; c < in->channels; c++) move(value(role)[c], torchs[c], read);
        return true;
    }

  private:
    // Sum over the features as BLOCK sums side by side, which any vector width can follow.
    template <class Term> float sum(Term term) const {
        float part[BLOCK] = {};
        int j = 0;
        for (; j + BLOCK <= in->channels; j += BLOCK)
            for (int i = 0; i < BLOCK; i++) part[i] += term(j + i);
        for (int i = 0; j < in->channels; i++, j++) part[i] += term(j);
        for (int size = BLOCK / 2; size > 0; size /= 2)
            for (int i = 0; i < size; i++) part[i] += part[i + size];
        return part[0];
    }
};
