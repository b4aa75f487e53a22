// Layers on images. Pixels are rows of channels: element (y, x, c) of an image is
// data[(y * columns + x) * width + c].
#pragma once

#include "network.hpp"

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

// Stride 1, zero padding. What is summed runs along the rows of a zero-padded copy of the image:
// one run per row of the kernel for outputs and inputs, one per row of the image for weights.
class Convolution : public Layer {
    int height_, width_, pad_y_, pad_x_; // of the kernel
    bool bias_;
    Memory padded_; // one image per example
    Memory padded_gradient_, flipped_, taps_;

    int rows() const { return in->pixels / in->columns; }
    int out_rows() const { return out->pixels / out->columns; }
    ptrdiff_t line() const { return ptrdiff_t(in->columns + 2 * pad_x_) * in->width; }
    ptrdiff_t run() const { return ptrdiff_t(width_) * in->width; } // of inputs of one output
    float *padded(int example) const {
        return padded_.get() + example * line() * (rows() + 2 * pad_y_);
    }

  public:
    Convolution(int height, int width, int pad_y, int pad_x, bool bias)
        : height_(height), width_(width), pad_y_(pad_y), pad_x_(pad_x), bias_(bias) {}

    void size_parameters() override {
        parameters = {{0, height_ * run() * out->width}};
        if (bias_) parameters.push_back({0, out->width});
    }

    void set_up(int examples) override {
        padded_ = Memory(size_t(examples) * line() * (rows() + 2 * pad_y_));
        if (in->width == 1) taps_ = Memory(size_t(height_) * width_ * out->pixels);
        if (!in->needs_gradient) return;
        int columns = out->columns + 2 * (width_ - 1 - pad_x_);
        padded_gradient_ = Memory(size_t(out_rows() + 2 * (height_ - 1 - pad_y_)) * columns * out->width);
        flipped_ = Memory(height_ * run() * out->width);
    }

    void forward(int n, bool) override {
        Factor weights = {value(0), out->width, run() * out->width};
        for (int b = 0; b < n; b++) {
            spread(in->data + b * in->stride, rows(), in->columns, in->width, pad_y_, pad_x_, padded(b));
            float *to = out->data + b * out->stride;
            for (int y = 0; y < out_rows(); y++, to += out->columns * out->width)
                matmul<false>(out->columns, out->width, run(),
                              {padded(b) + y * line(), in->width, line()}, weights,
                              {to, out->width, bias_ ? value(1) : nullptr}, height_);
        }
    }

    void prepare_backward() override {
        if (!in->needs_gradient) return;
        ptrdiff_t size = ptrdiff_t(in->width) * out->width;
        for (int there = 0, here = height_ * width_ - 1; here >= 0; there++, here--)
            transpose(in->width, out->width, value(0) + there * size, out->width,
                      flipped_.get() + here * size, in->width);
    }

    void backward(int n, bool add) override {
        for (int b = 0; b < n; b++, add = true) {
            const float *slope = out->gradient + b * out->stride;
            in->width == 1 ? tap_gradients(padded(b), slope, add) : weight_gradients(padded(b), slope, add);
            if (bias_) sum_rows(out->pixels, out->width, slope, out->width, gradient(1), add);
            if (in->needs_gradient) input_gradient(slope, in->gradient + b * in->stride);
        }
    }

    bool copy(Role role, float *torchs, bool read) override {
        if (role > BIAS || (role == BIAS && !bias_)) return false;
        int size = height_ * width_;
        for (int o = 0; o < out->channels; o++)
            if (role == BIAS)
                move(value(1)[o], torchs[o], read);
            else
                for (int c = 0; c < in->channels; c++)
                    for (int at = 0; at < size; at++)
                        move(value(0)[(ptrdiff_t(at) * in->width + c) * out->width + o],
                             torchs[(ptrdiff_t(o) * in->channels + c) * size + at], read);
        return true;
    }

  private:
    // Copy an image into the middle of a zero frame.
    static void spread(const float *image, int rows, int columns, int width, int pad_y, int pad_x,
                       float *to) {
        ptrdiff_t line = ptrdiff_t(columns + 2 * pad_x) * width;
        for (int y = 0; y < rows; y++)
            std::memcpy(to + (y + pad_y) * line + pad_x * width, image + ptrdiff_t(y) * columns * width,
                        size_t(columns) * width * sizeof(float));
    }

    void weight_gradients(const float *image, const float *slope, bool add) {
        for (int dy = 0; dy < height_; dy++)
            matmul<true>(int(run()), out->width, out->columns, {image + dy * line(), in->width, line()},
                         {slope, out->width, ptrdiff_t(out->columns) * out->width},
                         {gradient(0) + dy * run() * out->width, out->width, nullptr, add}, out_rows());
    }

    // With one channel a row of the kernel is too short a tile: first lay out, for each weight,
    // the pixels that it meets.
    void tap_gradients(const float *image, const float *slope, bool add) {
        float *to = taps_.get();
        for (int dy = 0; dy < height_; dy++)
            for (int dx = 0; dx < width_; dx++)
                for (int y = 0; y < out_rows(); y++, to += out->columns)
                    std::memcpy(to, image + (y + dy) * line() + dx, out->columns * sizeof(float));
        matmul<false>(height_ * width_, out->width, out->pixels, {taps_.get(), out->pixels},
                      {slope, out->width}, {gradient(0), out->width, nullptr, add});
    }

    // A convolution of the output's gradient with the kernel turned round.
    void input_gradient(const float *slope, float *to) {
        int pad_y = height_ - 1 - pad_y_, pad_x = width_ - 1 - pad_x_;
        spread(slope, out_rows(), out->columns, out->width, pad_y, pad_x, padded_gradient_.get());
        ptrdiff_t line = ptrdiff_t(out->columns + 2 * pad_x) * out->width;
        ptrdiff_t run = ptrdiff_t(width_) * out->width;
        for (int y = 0; y < rows(); y++, to += in->columns * in->width)
            matmul<false>(in->columns, in->width, run, {padded_gradient_.get() + y * line, out->width, line},
                          {flipped_.get(), in->width, run * in->width},
                          {to, in->width, nullptr, add_input_gradient}, height_);
    }
};

// Windows that do not overlap; what is left over at the far edges is dropped.
class MaxPool : public Layer {
    int height_, width_;

  public:
    MaxPool(int height, int width) : height_(height), width_(width) {}

    void forward(int n, bool) override {
        windows(n, [&](const float *from, ptrdiff_t line, ptrdiff_t to) {
            for (int c = 0; c < in->width; c += WIDTH) {
                V best = load(from + c);
                for (int y = 0; y < height_; y++)
                    for (int x = 0; x < width_; x++) {
                        V z = load(from + y * line + x * in->width + c);
                        best = where((z > best) | (z != z), z, best);
                    }
                store(out->data + to + c, best);
            }
        });
    }

    // All of a window's gradient goes to the first of its largest elements.
    void backward(int n, bool) override {
        if (!in->needs_gradient) return;
        if (!add_input_gradient) std::memset(in->gradient, 0, n * in->stride * sizeof(float));
        windows(n, [&](const float *from, ptrdiff_t line, ptrdiff_t to) {
            float *gradient = in->gradient + (from - in->data);
            for (int c = 0; c < in->width; c += WIDTH) {
                V best = load(out->data + to + c), rest = load(out->gradient + to + c);
                for (int y = 0; y < height_; y++)
                    for (int x = 0; x < width_; x++) {
                        ptrdiff_t at = y * line + x * in->width + c;
                        V share = where(load(from + at) == best, rest, V{});
                        rest = where(load(from + at) == best, V{}, rest);
                        store(gradient + at, load(gradient + at) + share);
                    }
            }
        });
    }

  private:
    template <class Visit> void windows(int n, Visit visit) {
        ptrdiff_t line = ptrdiff_t(in->columns) * in->width;
        int rows = out->pixels / out->columns;
        for (int b = 0; b < n; b++)
            for (int y = 0; y < rows; y++)
                for (int x = 0; x < out->columns; x++)
                    visit(in->data + b * in->stride + y * height_ * line + ptrdiff_t(x) * width_ * in->width,
                          line, b * out->stride + (ptrdiff_t(y) * out->columns + x) * out->width);
    }
};
