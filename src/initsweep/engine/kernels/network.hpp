// What every layer shares: values, parameters and the memory they live in.
#pragma once

#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include "matmul.hpp"

INLINE int whole_blocks(int n) { return (n + BLOCK - 1) / BLOCK * BLOCK; }
// How far apart rows of whole blocks lie: at multiples of 512 bytes they would share a few sets of the
// first-level cache and drive each other out of it.
INLINE int apart(int width) { return width % (8 * BLOCK) ? width : width + BLOCK; }

// Zeroed memory that starts on a cache line.
class Memory {
    struct Free {
        void operator()(float *data) const { std::free(data); }
    };
    std::unique_ptr<float, Free> data_;
    size_t bytes_ = 0;

  public:
    Memory() = default;
    explicit Memory(size_t floats) : bytes_((floats / BLOCK + 1) * BLOCK * sizeof(float)) {
        data_.reset(static_cast<float *>(std::aligned_alloc(64, bytes_)));
        if (!data_) throw std::bad_alloc();
        clear();
    }
    float *get() const { return data_.get(); }
    void clear() {
        if (data_) std::memset(data_.get(), 0, bytes_);
    }
};

// A value of the network for a batch: per example, `pixels` rows of `width` floats, of which the
// first `channels` count. A dense value has one pixel. Of a padded column the gradient is zero.
struct Value {
    int channels = 0, pixels = 1, columns = 0; // columns: pixels per image row
    int width = 0;                             // floats from one pixel to the next
    ptrdiff_t stride = 0;                      // floats from one example to the next
    float *data = nullptr, *gradient = nullptr;
    int readers = 0;
    bool needs_gradient = false;

    // Floats from one pixel to the next of all examples; images have no gaps between examples.
    ptrdiff_t row() const { return pixels == 1 ? stride : width; }
};

// Trained numbers of one layer: a slice of the flat arrays of the network.
struct Parameter {
    ptrdiff_t offset = 0, size = 0;
};

struct Flat { // one array of parameters, one of gradients
    float *values = nullptr, *gradients = nullptr;
};

// Tensors of a layer as torch keeps them, to be copied in and out.
enum Role { WEIGHT, BIAS, RUNNING_MEAN, RUNNING_VARIANCE };

class Layer {
  public:
    Value *in = nullptr, *out = nullptr;
    Flat flat;
    std::vector<Parameter> parameters; // in the order weight, bias
    bool add_input_gradient = false;   // a layer behind this one reads the input too

    virtual ~Layer() = default;
    // Called when `in` and `out` are laid out, and when it is known which gradients are needed.
    virtual void size_parameters() {}
    virtual void set_up() {}
    // Forget everything but the shape.
    virtual void restart() {}
    // Outputs of n examples.
    virtual void forward(int n, bool training) = 0;
    // Gradients of inputs and parameters of n examples; `add` to the parameters' gradients.
    virtual void backward(int n, bool add) = 0;
    // What backward needs once for each change of the parameters.
    virtual void prepare_backward() {}
    // Copy a tensor in torch's layout; false if the layer has none of this role.
    virtual bool copy(Role, float *, bool) { return false; }

  protected:
    float *value(int i) const { return flat.values + parameters[i].offset; }
    float *gradient(int i) const { return flat.gradients + parameters[i].offset; }
};

INLINE void move(float &ours, float &torchs, bool read) { read ? torchs = ours : ours = torchs; }

// sums[j] (+)= sum over rows, first within blocks of rows, then over blocks; plus(row, j, sum) is
// the sum with a row more.
template <class Plus>
static void sum_blocks(ptrdiff_t rows, int width, Plus plus, float *sums, bool add) {
    if (!add) std::memset(sums, 0, width * sizeof(float));
    for (ptrdiff_t start = 0; start < rows; start += BLOCK) {
        ptrdiff_t end = start + BLOCK < rows ? start + BLOCK : rows;
        for (int j = 0; j < width; j += WIDTH) {
            V part = {};
            for (ptrdiff_t row = start; row < end; row++) part = plus(row, j, part);
            store(sums + j, load(sums + j) + part);
        }
    }
}

static void sum_rows(ptrdiff_t rows, int width, const float *values, ptrdiff_t ld, float *sums,
                     bool add) {
    sum_blocks(rows, width, [&](ptrdiff_t row, int j, V sum) { return sum + load(values + row * ld + j); },
               sums, add);
}

// Sum of n terms as BLOCK sums side by side, which any vector width can follow.
template <class Term> float sum_of(int n, Term term) {
    float part[BLOCK] = {};
    int j = 0;
    for (; j + BLOCK <= n; j += BLOCK)
        for (int i = 0; i < BLOCK; i++) part[i] += term(j + i);
    for (int i = 0; j < n; i++, j++) part[i] += term(j);
    for (int size = BLOCK / 2; size > 0; size /= 2)
        for (int i = 0; i < size; i++) part[i] += part[i + size];
    return part[0];
}
