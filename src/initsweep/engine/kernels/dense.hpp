// Layers that look at one example at a time without positions: linear, activation, addition.
#pragma once

#include "network.hpp"

class Linear : public Layer {
    Memory transposed_;        // (outputs, inputs)
    int row_, transposed_row_; // floats from one row of the weights to the next
    bool bias_;

  public:
    Linear(int inputs, int outputs, bool bias)
        : row_(apart(whole_blocks(outputs))), transposed_row_(apart(whole_blocks(inputs))), bias_(bias) {
        parameters = {{0, ptrdiff_t(inputs) * row_}};
        if (bias) parameters.push_back({0, whole_blocks(outputs)});
        transposed_ = Memory(size_t(outputs) * transposed_row_);
    }

    void forward(int n, bool) override {
        matmul<ROWS>(n, out->width, in->channels, {in->data, in->stride},
                      {value(0), row_}, {out->data, out->stride, bias_ ? value(1) : nullptr});
    }

    void prepare_backward() override {
        if (in->needs_gradient)
            transpose(in->channels, out->channels, value(0), row_, transposed_.get(), transposed_row_);
    }

    void backward(int n, bool add) override {
        matmul<COLUMNS>(in->channels, out->width, n, {in->data, in->stride},
                     {out->gradient, out->stride}, {gradient(0), row_, nullptr, add});
        if (bias_) sum_rows(n, out->width, out->gradient, out->stride, gradient(1), add);
        if (in->needs_gradient)
            matmul<ROWS>(n, in->width, out->channels, {out->gradient, out->stride},
                          {transposed_.get(), transposed_row_},
                          {in->gradient, in->stride, nullptr, add_input_gradient});
    }

    bool copy(Role role, float *torchs, bool read) override {
        if (role > BIAS || (role == BIAS && !bias_)) return false;
        for (int o = 0; o < out->channels; o++)
            if (role == BIAS)
                move(value(1)[o], torchs[o], read);
            else
                for (int i = 0; i < in->channels; i++)
                    move(value(0)[i * row_ + o], torchs[o * in->channels + i], read);
        return true;
    }
};

enum Function { RELU, LEAKY_RELU, TANH, SIGMOID, GELU, SILU, ELU, SELU, SOFTPLUS };

constexpr float SELU_SCALE = 1.0507009873554804934193349852946f;
constexpr float SELU_ALPHA = 1.6732632423543772848170429916717f;

// Every function with its derivative, from its argument z and its value y.
template <Function F> struct Formula;
template <> struct Formula<RELU> {
    static V value(V z, float) { return where(z > 0.0f, z, where(z == z, V{}, z)); }
    static V slope(V, V y, float) { return where(y > 0.0f, all(1.0f), V{}); }
};
template <> struct Formula<LEAKY_RELU> {
    static V value(V z, float a) { return where(z > 0.0f, z, z * a); }
    static V slope(V z, V, float a) { return where(z > 0.0f, all(1.0f), all(a)); }
};
template <> struct Formula<TANH> {
    static V value(V z, float) { return hyperbolic_tangent(z); }
    static V slope(V, V y, float) { return fused(-y, y, 1.0f); }
};
template <> struct Formula<SIGMOID> {
    static V value(V z, float) { return sigmoid(z); }
    static V slope(V, V y, float) { return (1.0f - y) * y; }
};
template <> struct Formula<GELU> { // z times the normal distribution function of z
    static V doubled(V z) { return 1.0f + error_function(z * 0.70710678118654752440f); }
    static V value(V z, float) { return z * (0.5f * doubled(z)); }
    static V slope(V z, V, float) {
        V density = exponential(z * z * -0.5f) * 0.39894228040143267794f;
        return fused(0.5f, doubled(z), z * density);
    }
};
template <> struct Formula<SILU> {
    static V value(V z, float) { return z / (1.0f + exponential(-z)); }
    static V slope(V z, V, float) {
        V s = sigmoid(z);
        return s * fused(z, 1.0f - s, 1.0f);
    }
};
template <> struct Formula<ELU> {
    static V value(V z, float a) { return where(z > 0.0f, z, a * exponential_minus_one(z)); }
    static V slope(V z, V, float a) { return where(z > 0.0f, all(1.0f), a * exponential(z)); }
};
template <> struct Formula<SELU> {
    static V value(V z, float) { return SELU_SCALE * Formula<ELU>::value(z, SELU_ALPHA); }
    static V slope(V z, V y, float) { return SELU_SCALE * Formula<ELU>::slope(z, y, SELU_ALPHA); }
};
template <> struct Formula<SOFTPLUS> {
    static V value(V z, float) { return soft_plus(z); }
    static V slope(V z, V, float) { return where(z > 20.0f, all(1.0f), sigmoid(z)); }
};

template <Function F> class Activation : public Layer {
    float setting_;

  public:
    explicit Activation(float setting) : setting_(setting) {}

    void forward(int n, bool) override {
        for (ptrdiff_t i = 0; i < n * in->stride; i += WIDTH)
            store(out->data + i, Formula<F>::value(load(in->data + i), setting_));
        if (F == SIGMOID || F == SOFTPLUS) clear_padding(n);
    }

    void backward(int n, bool) override {
        if (!in->needs_gradient) return;
        for (ptrdiff_t i = 0; i < n * in->stride; i += WIDTH) {
            V slope = Formula<F>::slope(load(in->data + i), load(out->data + i), setting_);
            V result = load(out->gradient + i) * slope;
            store(in->gradient + i, add_input_gradient ? load(in->gradient + i) + result : result);
        }
    }

  private:
    // Convolutions read the padding of their inputs, which is 0 unless the function of 0 is not.
    void clear_padding(int n) {
        for (int b = 0; b < n; b++)
            for (int p = 0; p < out->pixels; p++)
                for (int c = out->channels; c < out->width; c++)
                    out->data[b * out->stride + ptrdiff_t(p) * out->width + c] = 0;
    }
};

class Addition : public Layer {
  public:
    Value *other = nullptr;
    bool add_other_gradient = false;

    void forward(int n, bool) override {
        for (ptrdiff_t i = 0; i < n * out->stride; i += WIDTH)
            store(out->data + i, load(in->data + i) + load(other->data + i));
    }

    void backward(int n, bool) override {
        pass(n, in, add_input_gradient);
        pass(n, other, add_other_gradient);
    }

  private:
    void pass(int n, Value *to, bool add) {
        if (!to->needs_gradient) return;
        for (ptrdiff_t i = 0; i < n * out->stride; i += WIDTH) {
            V own = load(out->gradient + i);
            store(to->gradient + i, add ? load(to->gradient + i) + own : own);
        }
    }
};
