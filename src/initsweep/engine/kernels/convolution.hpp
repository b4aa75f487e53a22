// Convolutions of any stride, zero padding, dilation and number of groups, on images as in
// images.hpp. They are products of tiles: of pixels in a row of the image and of channels.
#pragma once

#include "blocks.hpp"
#include "frame.hpp"

class Convolution : public Layer {
    Axis down_, along_; // rows, columns
    Groups groups_;
    bool bias_;
    Frame frame_, slopes_;
    Sum pixels_;    // of the outputs
    Memory turned_; // weights as the gradient of the input takes them
    Memory taps_;

    int rows() const { return in->pixels / in->columns; }
    int out_rows() const { return out->pixels / out->columns; }
    int entries() const { return down_.kernel * along_.kernel; }
    // Floats from what one output sees to the next, and from one entry of the kernel.
    ptrdiff_t step() const { return along_.stride * ptrdiff_t(in->width); }
    ptrdiff_t entry() const { return along_.dilation * ptrdiff_t(in->width); }
    // Whether a row of the kernel is one run of numbers.
    bool joined() const { return groups_.lanes || (groups_.one_matrix() && along_.dilation == 1); }
    // Whether those outputs are that an input reaches in one row.
    bool joined_back() const {
        return (groups_.lanes || groups_.one_matrix()) && along_.stride % along_.dilation == 0;
    }

  public:
    Convolution(Axis down, Axis along, int groups, bool bias)
        : down_(down), along_(along), groups_(groups, down.kernel * along.kernel), bias_(bias) {}

    void size_parameters() override {
        parameters = {{0, groups_.lay_out(*in, *out)}};
        if (bias_) parameters.push_back({0, out->width});
    }

    void set_up() override {
        auto around = [](const Axis &axis, int n, int outputs) -> Frame::Span {
            int seen = (outputs - 1) * axis.stride + (axis.kernel - 1) * axis.dilation + 1;
            return {axis.padding, std::max(axis.padding + n, seen)};
        };
        frame_.set_up(*in, around(down_, rows(), out_rows()), around(along_, in->columns, out->columns));
        // All at once where rows follow each other, as do what they see.
        bool whole = down_.stride * frame_.line == out->columns * step();
        pixels_.length = whole ? out->pixels : out->columns;
        for (int y = 0; y < out->pixels / pixels_.length; y++)
            pixels_.runs.push_back({y * down_.stride * frame_.line, y * pixels_.length * out->width});
        for (Block &block : groups_.blocks) plan_forward(block);
        if (in->width == 1) taps_ = Memory(size_t(entries()) * out->pixels);
        if (in->needs_gradient) set_up_backward();
    }

    void forward(int n, bool) override {
        int height = int(pixels_.runs.size()), columns = int(pixels_.length);
        for (int b = 0; b < n; b++) {
            const float *from = frame_.around(in->data + b * in->stride);
            float *to = out->data + b * out->stride;
            for (int y = 0; y < height; y++, from += down_.stride * frame_.line, to += columns * out->width)
                for (const Block &block : groups_.blocks)
                    product(columns, block.outputs, {from + block.in, step(), entry()},
                            {value(0) + block.weights, block.outputs},
                            {to + block.out, out->width, bias_ ? value(1) + block.out : nullptr},
                            block.forward);
        }
    }

    void prepare_backward() override {
        if (!in->needs_gradient || groups_.lanes) return;
        float *to = turned_.get();
        for (const Block &block : groups_.blocks) {
            int width = whole_blocks(block.inputs);
            backward_entries([&](int, int entry) {
                transpose(block.inputs, block.outputs, value(0) + block.weights + entry * block.matrix(),
                          block.outputs, to, width);
                to += ptrdiff_t(block.outputs) * width;
            });
        }
    }

    void backward(int n, bool add) override {
        for (int b = 0; b < n; b++, add = true) {
            const float *image = frame_.around(in->data + b * in->stride);
            const float *slope = out->gradient + b * out->stride;
            in->width == 1 ? tap_gradients(image, slope, add) : weight_gradients(image, slope, add);
            if (bias_) sum_rows(out->pixels, out->width, slope, out->width, gradient(1), add);
            if (in->needs_gradient)
                input_gradient(slopes_.around(slope), in->gradient + b * in->stride);
        }
        groups_.cut(gradient(0));
    }

    bool copy(Role role, float *torchs, bool read) override {
        if (role > BIAS || (role == BIAS && !bias_)) return false;
        for (int o = 0; o < out->channels; o++)
            if (role == BIAS)
                move(value(1)[o], torchs[o], read);
            else
                for (int i = 0; i < groups_.inputs(); i++)
                    for (int at = 0; at < entries(); at++)
                        move(value(0)[groups_.place(o, i, at)],
                             torchs[(ptrdiff_t(o) * groups_.inputs() + i) * entries() + at], read);
        return true;
    }

  private:
    void product(int M, int N, Factor a, Factor b, Result c, const Sum &sum) const {
        groups_.lanes ? matmul<LANES>(M, N, sum.length, a, b, c, sum)
                      : matmul<ROWS>(M, N, sum.length, a, b, c, sum);
    }

    void plan_forward(Block &block) const {
        block.forward.length = block.inputs * ptrdiff_t(joined() ? along_.kernel : 1);
        for (int dy = 0; dy < down_.kernel; dy++)
            for (int dx = 0; dx < (joined() ? 1 : along_.kernel); dx++)
                block.forward.runs.push_back({dy * down_.dilation * frame_.line + dx * entry(),
                                              (dy * along_.kernel + dx) * block.matrix()});
    }

    // Call visit(position, entry) for all entries of the kernel: those that meet inputs at the
    // same position between two strides together, and from the last to the first.
    template <class Visit> void backward_entries(Visit visit) const {
        for (int position = 0; position < down_.stride * along_.stride; position++)
            for (int entry = entries() - 1; entry >= 0; entry--) {
                int y = entry / along_.kernel * down_.dilation % down_.stride;
                int x = entry % along_.kernel * along_.dilation % along_.stride;
                if (y * along_.stride + x == position) visit(position, entry);
            }
    }

    void set_up_backward() {
        auto around = [](const Axis &axis, int n, int outputs) -> Frame::Span {
            int before = std::max(0, ((axis.kernel - 1) * axis.dilation - axis.padding) / axis.stride);
            int last = (n - 1 + axis.padding) / axis.stride;
            return {before, before + std::max(outputs, last + 1)};
        };
        Frame::Span over = around(down_, rows(), out_rows());
        Frame::Span across = around(along_, in->columns, out->columns);
        slopes_.set_up(*out, over, across);
        ptrdiff_t there = 0; // in the turned weights
        for (Block &block : groups_.blocks) plan_backward(block, over.before, across.before, there);
        if (!groups_.lanes) turned_ = Memory(there);
    }

    void plan_backward(Block &block, int above, int left, ptrdiff_t &there) const {
        block.backward.resize(down_.stride * along_.stride);
        ptrdiff_t numbers = groups_.lanes ? 1 : block.outputs; // of one entry
        for (Sum &sum : block.backward) sum.length = numbers;
        int last = -1; // row of the kernel
        backward_entries([&](int position, int entry) {
            int y = entry / along_.kernel, x = entry % along_.kernel;
            Sum &sum = block.backward[position];
            if (!joined_back() || y != last || sum.runs.empty())
                sum.runs.push_back({(above - y * down_.dilation / down_.stride) * slopes_.line +
                                        (left - x * along_.dilation / along_.stride) * ptrdiff_t(out->width),
                                    groups_.lanes ? entry * block.matrix() : there});
            else if (sum.runs.size() == 1)
                sum.length += numbers;
            there += ptrdiff_t(block.outputs) * whole_blocks(block.inputs);
            last = y;
        });
    }

    void weight_gradients(const float *image, const float *slope, bool add) {
        // Whole rows of the kernel where they are joined.
        int parts = joined() ? 1 : along_.kernel;
        for (const Block &block : groups_.blocks)
            for (int at = 0; at < down_.kernel * parts; at++) {
                const float *from = image + block.in + at / parts * down_.dilation * frame_.line +
                                    at % parts * entry();
                ptrdiff_t to = block.weights + at * (along_.kernel / parts) * block.matrix();
                Factor right = {slope + block.out, out->width};
                Result result = {gradient(0) + to, block.outputs, nullptr, add};
                int M = along_.kernel / parts * block.inputs;
                groups_.lanes ? matmul<LANES>(M, block.outputs, pixels_.length, {from, entry(), step()},
                                              right, result, pixels_)
                              : matmul<COLUMNS>(M, block.outputs, pixels_.length, {from, step()}, right,
                                                result, pixels_);
            }
    }

    // With one channel a row of the kernel is too short a tile: first lay out, for each weight,
    // the pixels that it meets.
    void tap_gradients(const float *image, const float *slope, bool add) {
        float *to = taps_.get();
        for (int dy = 0; dy < down_.kernel; dy++)
            for (int dx = 0; dx < along_.kernel; dx++)
                for (int y = 0; y < out_rows(); y++, to += out->columns) {
                    ptrdiff_t row = y * down_.stride + dy * down_.dilation;
                    const float *from = image + row * frame_.line + dx * along_.dilation;
                    for (int x = 0; x < out->columns; x++) to[x] = from[x * along_.stride];
                }
        matmul<ROWS>(entries(), out->width, out->pixels, {taps_.get(), out->pixels},
                     {slope, out->width}, {gradient(0), out->width, nullptr, add});
    }

    // Inputs at one position between two strides meet the same entries of the kernel: a
    // convolution with these, of stride 1, of the output's gradient.
    void input_gradient(const float *slope, float *to) {
        bool whole = down_.stride * along_.stride == 1 && in->columns == out->columns &&
                     slopes_.line == out->columns * ptrdiff_t(out->width);
        int height = whole ? 1 : rows(), columns = whole ? in->pixels : in->columns;
        for (int y = 0; y < height; y++, to += columns * ptrdiff_t(in->width))
            for (int x = 0; x < std::min<int>(along_.stride, columns); x++) {
                int below = y + down_.padding, right = x + along_.padding;
                const float *from = slope + below / down_.stride * slopes_.line +
                                    right / along_.stride * ptrdiff_t(out->width);
                int position = below % down_.stride * along_.stride + right % along_.stride;
                for (const Block &block : groups_.blocks) {
                    int width = groups_.lanes ? in->width : whole_blocks(block.inputs);
                    Factor weights = {turned_.get(), width};
                    if (groups_.lanes) // the kernel itself, from the last entry to the first
                        weights = {value(0), -along_.stride / along_.dilation * ptrdiff_t(width)};
                    product((columns - 1 - x) / along_.stride + 1, width,
                            {from + block.out, out->width, out->width}, weights,
                            {to + x * ptrdiff_t(in->width) + block.in, step(), nullptr, add_input_gradient},
                            block.backward[position]);
                }
            }
    }
};
