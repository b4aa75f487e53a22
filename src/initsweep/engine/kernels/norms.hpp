// Normalization over the batch, and over the features of one example.
#pragma once

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
        for (ptrdiff_t i = 0; i < rows * width; i += width)
            for (int j = 0; j < width; j += WIDTH) {
                V centred = load(in->data + i + j) - load(mean + j);
                store(out->data + i + j, centred * load(scale + j) + load(value(1) + j));
            }
    }

    void backward(int n, bool) override { // always the whole batch at once
        ptrdiff_t rows = ptrdiff_t(n) * in->pixels;
        int width = in->width;
        const float *mean = mean_.get(), *x = in->data, *g = out->gradient;
        float *first = sums_.get(), *slope = sums_.get() + width, *scale = scales_.get();
        sum_rows(rows, width, g, width, gradient(1), false);
        sum_blocks(rows, width, [&](ptrdiff_t row, int j) {
            return load(g + row * width + j) * (load(x + row * width + j) - load(mean + j));
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
        for (ptrdiff_t i = 0; i < rows * width; i += width)
            for (int j = 0; j < width; j += WIDTH) {
                V centred = load(x + i + j) - load(mean + j);
                V result = (load(g + i + j) - load(first + j) - centred * load(slope + j)) * load(scale + j);
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
        sum_rows(rows, width, in->data, width, mean, false);
        for (int j = 0; j < width; j += WIDTH) store(mean + j, load(mean + j) / float(rows));
        sum_blocks(rows, width, [&](ptrdiff_t row, int j) {
            V d = load(in->data + row * width + j) - load(mean + j);
            return d * d;
        }, square, false);
        for (int j = 0; j < width; j += WIDTH)
            store(inverse_.get() + j, 1.0f / root(load(square + j) / float(rows) + epsilon_));
        for (int j = 0; j < width; j++) { // the running variance is the unbiased one
            running_mean_.get()[j] += momentum_ * (mean[j] - running_mean_.get()[j]);
            float variance = square[j] / float(rows - 1);
            running_variance_.get()[j] += momentum_ * (variance - running_variance_.get()[j]);
        }
    }
};

// Over the features of each example. Source: Ba, Kiros and Hinton (2016), equations 3 and 4; with
// a mean of 0, Zhang and Sennrich (2019), equation 4.
class LayerNorm : public Layer {
    float epsilon_;
    bool weight_, bias_, centred_;
    Memory mean_, inverse_;

  public:
    LayerNorm(int features, float epsilon, bool weight, bool bias, bool centred, int batch)
        : epsilon_(epsilon), weight_(weight), bias_(bias), centred_(centred) {
        parameters.resize(weight + bias, {0, whole_blocks(features)});
        mean_ = Memory(batch), inverse_ = Memory(batch);
    }

    void forward(int n, bool) override {
        for (int row = 0; row < n; row++) {
            const float *x = in->data + row * in->stride;
            float mean = centred_ ? sum([&](int j) { return x[j]; }) / float(in->channels) : 0.0f;
            float square = sum([&](int j) { return (x[j] - mean) * (x[j] - mean); });
            float inverse = 1.0f / std::sqrt(square / float(in->channels) + epsilon_);
            mean_.get()[row] = mean, inverse_.get()[row] = inverse;
            for (int j = 0; j < in->channels; j++) {
                float y = (x[j] - mean) * inverse, *to = out->data + row * out->stride + j;
                *to = bias_ ? y * value(0)[j] + value(1)[j] : weight_ ? y * value(0)[j] : y;
            }
        }
    }

    void backward(int n, bool add) override {
        for (int row = 0; row < n; row++) {
            const float *x = in->data + row * in->stride, *g = out->gradient + row * out->stride;
            float mean = mean_.get()[row], inverse = inverse_.get()[row];
            auto scaled = [&](int j) { return weight_ ? g[j] * value(0)[j] : g[j]; };
            float share = 1.0f / float(in->channels);
            float first = centred_ ? sum(scaled) * share : 0.0f;
            float second = sum([&](int j) { return scaled(j) * (x[j] - mean); }) * share;
            float slope = second * inverse * inverse;
            for (int j = 0; j < in->channels; j++) {
                bool fresh = row == 0 && !add;
                if (weight_) {
                    float own = g[j] * (x[j] - mean) * inverse;
                    gradient(0)[j] = fresh ? own : gradient(0)[j] + own;
                }
                if (bias_) gradient(1)[j] = fresh ? g[j] : gradient(1)[j] + g[j];
                if (!in->needs_gradient) continue;
                float &to = in->gradient[row * in->stride + j];
                float result = (scaled(j) - first - (x[j] - mean) * slope) * inverse;
                to = add_input_gradient ? to + result : result;
            }
        }
    }

    bool copy(Role role, float *torchs, bool read) override {
        if (!(role == WEIGHT ? weight_ : role == BIAS && bias_)) return false;
        for (int c = 0; c < in->channels; c++) move(value(role)[c], torchs[c], read);
        return true;
    }

  private:
    template <class Term> float sum(Term term) const { return sum_of(in->channels, term); }
};
