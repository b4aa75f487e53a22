// How the weights of a convolution are laid out: a matrix for each entry of the kernel, and for
// groups of channels several such stacks of matrices.
#pragma once

#include <algorithm>

#include "network.hpp"

// What one product sums: so many numbers from each of these places.
struct Sum {
    ptrdiff_t length = 0;
    std::vector<Run> runs;
    operator Runs() const { return {runs.data(), int(runs.size())}; }
};

// Groups that are multiplied by one matrix, as many as fill whole blocks of channels on both
// sides: what connects two groups is 0 and stays it.
struct Block {
    int in, inputs, out, outputs; // the first channel and how many, padding included
    ptrdiff_t weights;            // where they start; a matrix (inputs, outputs) for each entry
    Sum forward;
    std::vector<Sum> backward; // by the position of an input between two strides

    ptrdiff_t matrix() const { return ptrdiff_t(inputs) * outputs; }
};

// A group for every channel makes no matrices: lanes of one number per entry, side by side.
class Groups {
    int count_, inputs_ = 0, outputs_ = 0; // of a group
    int entries_;

  public:
    bool lanes = false;
    std::vector<Block> blocks;

    Groups(int count, int entries) : count_(count), entries_(entries) {}

    // Returns the floats of all weights.
    ptrdiff_t lay_out(const Value &in, const Value &out) {
        inputs_ = in.channels / count_, outputs_ = out.channels / count_;
        lanes = count_ > 1 && inputs_ == 1 && outputs_ == 1;
        int together = 1;
        while (together * inputs_ % BLOCK || together * outputs_ % BLOCK) together++;
        if (lanes || together >= count_) {
            blocks = {{0, lanes ? 1 : in.width, 0, out.width, 0, {}, {}}};
            return entries_ * blocks[0].matrix();
        }
        ptrdiff_t size = 0;
        for (int group = 0; group < count_; group += together) {
            int some = std::min(together, count_ - group);
            blocks.push_back({group * inputs_, some * inputs_, group * outputs_,
                              whole_blocks(some * outputs_), size, {}, {}});
            size += entries_ * blocks.back().matrix();
        }
        return size;
    }

    bool one_matrix() const { return blocks.size() == 1 && !lanes; }
    int inputs() const { return inputs_; }

    // Where the weight of an output is for the input of this number in its group.
    ptrdiff_t place(int output, int input, int entry) const {
        size_t k = 0;
        while (k + 1 < blocks.size() && blocks[k + 1].out <= output) k++;
        const Block &block = blocks[k];
        ptrdiff_t row = lanes ? 0 : output / outputs_ * inputs_ + input - block.in;
        return block.weights + entry * block.matrix() + row * block.outputs + output - block.out;
    }

    // What would connect two groups is no parameter, and has no gradient.
    void cut(float *gradients) const {
        if (count_ == 1 || lanes) return;
        for (const Block &block : blocks)
            for (ptrdiff_t row = 0; row < ptrdiff_t(entries_) * block.inputs; row++) {
                float *start = gradients + block.weights + row * block.outputs;
                int own = int(row % block.inputs) / inputs_ * outputs_;
                std::fill(start, start + std::min(own, block.outputs), 0.0f);
                std::fill(start + std::min(own + outputs_, block.outputs), start + block.outputs, 0.0f);
            }
    }
};
