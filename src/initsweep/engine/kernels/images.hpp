// Layers on images. Pixels are rows of channels: element (y, x, c) of an image is
// data[(y * columns + x) * width + c].
#pragma once

#include <algorithm>

#include "frame.hpp"

// Torch's flat (channels, pixels) to ours and back; `in` or `out` is the dense side.
class Reshape : public Layer {
  public:
    void forward(int n, bool) override {
        for (int b = 0; b < n; b++) {
            const float *from = in->data + b * in->stride;
            float *to = out->data + b * out->stride;
            if (in->pixels == out->pixels)
                std::memcpy(to, from, in->stride * sizeof(float));
            else
                visit([&](ptrdiff_t i, ptrdiff_t o) { to[o] = from[i]; });
        }
    }

    void backward(int n, bool) override {
        if (!in->needs_gradient) return;
        for (int b = 0; b < n; b++) {
            float *to = in->gradient + b * in->stride;
            const float *from = out->gradient + b * out->stride;
            if (!add_input_gradient) std::memset(to, 0, in->stride * sizeof(float));
            visit([&](ptrdiff_t i, ptrdiff_t o) { to[i] += from[o]; });
        }
    }

  private:
    template <class Visit> void visit(Visit visit) const {
        const Value *image = in->pixels > out->pixels ? in : out;
        for (int p = 0; p < image->pixels; p++)
            for (int c = 0; c < image->channels; c++) {
                ptrdiff_t ours = ptrdiff_t(p) * image->width + c;
                ptrdiff_t flat = ptrdiff_t(c) * image->pixels + p;
                image == in ? visit(ours, flat) : visit(flat, ours);
            }
    }
};

// Where an output of a pool looks along one axis, and how many entries a mean divides by.
struct Window {
    int first, end, size;
};

static std::vector<Window> windows(const Axis &axis, int inputs, int outputs, bool count_padding) {
    std::vector<Window> found;
    for (int o = 0; o < outputs; o++) {
        int start = o * axis.stride - axis.padding;
        int end = std::min(start + axis.kernel, inputs + axis.padding), size = end - start;
        if (axis.kernel == 0) start = o * inputs / outputs, end = ((o + 1) * inputs - 1) / outputs + 1;
        int first = std::max(start, 0);
        end = std::min(end, inputs);
        found.push_back({first, end, axis.kernel && count_padding ? size : end - first});
    }
    return found;
}

class Pool : public Layer {
    Axis down_, along_;
    bool count_padding_;
    std::vector<Window> rows_, columns_;

  public:
    Pool(Axis down, Axis along, bool count_padding)
        : down_(down), along_(along), count_padding_(count_padding) {}

    void set_up() override {
        rows_ = windows(down_, in->pixels / in->columns, out->pixels / out->columns, count_padding_);
        columns_ = windows(along_, in->columns, out->columns, count_padding_);
    }

  protected:
    // Call visit(rows, columns, input, output) with each window of n examples.
    template <class Visit> void visit(int n, Visit visit) const {
        for (int b = 0; b < n; b++) {
            ptrdiff_t to = b * out->stride;
            for (const Window &y : rows_)
                for (const Window &x : columns_) {
                    visit(y, x, b * in->stride, to);
                    to += out->width;
                }
        }
    }
    // Call visit(at) with every pixel of a window.
    template <class Visit> void pixels(const Window &y, const Window &x, ptrdiff_t from, Visit visit) const {
        for (int row = y.first; row < y.end; row++)
            for (int column = x.first; column < x.end; column++)
                visit(from + (ptrdiff_t(row) * in->columns + column) * in->width);
    }
};

class MaxPool : public Pool {
  public:
    using Pool::Pool;

    void forward(int n, bool) override {
        visit(n, [&](const Window &y, const Window &x, ptrdiff_t from, ptrdiff_t to) {
            ptrdiff_t corner = from + (ptrdiff_t(y.first) * in->columns + x.first) * in->width;
            for (int c = 0; c < in->width; c += WIDTH) {
                V best = load(in->data + corner + c);
                pixels(y, x, from + c, [&](ptrdiff_t at) {
                    V z = load(in->data + at);
                    best = where((z > best) | (z != z), z, best);
                });
                store(out->data + to + c, best);
            }
        });
    }

    // All of a window's gradient goes to the first of its largest elements.
    void backward(int n, bool) override {
        if (!in->needs_gradient) return;
        if (!add_input_gradient) std::memset(in->gradient, 0, n * in->stride * sizeof(float));
        visit(n, [&](const Window &y, const Window &x, ptrdiff_t from, ptrdiff_t to) {
            for (int c = 0; c < in->width; c += WIDTH) {
                V best = load(out->data + to + c), rest = load(out->gradient + to + c);
                pixels(y, x, from + c, [&](ptrdiff_t at) {
                    V z = load(in->data + at);
                    store(in->gradient + at, load(in->gradient + at) + where(z == best, rest, V{}));
                    rest = where(z == best, V{}, rest);
                });
            }
        });
    }
};

class AveragePool : public Pool {
  public:
    using Pool::Pool;

    void forward(int n, bool) override {
        visit(n, [&](const Window &y, const Window &x, ptrdiff_t from, ptrdiff_t to) {
            for (int c = 0; c < in->width; c += WIDTH) {
                V total = {}; // of rows, which keeps rounding small
                for (int row = y.first; row < y.end; row++) {
                    V part = {};
                    pixels({row, row + 1, 1}, x, from + c, [&](ptrdiff_t at) { part += load(in->data + at); });
                    total += part;
                }
                store(out->data + to + c, total / float(y.size * x.size));
            }
        });
    }

    void backward(int n, bool) override {
        if (!in->needs_gradient) return;
        if (!add_input_gradient) std::memset(in->gradient, 0, n * in->stride * sizeof(float));
        visit(n, [&](const Window &y, const Window &x, ptrdiff_t from, ptrdiff_t to) {
            for (int c = 0; c < in->width; c += WIDTH) {
                V share = load(out->gradient + to + c) / float(y.size * x.size);
                pixels(y, x, from + c,
                       [&](ptrdiff_t at) { store(in->gradient + at, load(in->gradient + at) + share); });
            }
        });
    }
};
