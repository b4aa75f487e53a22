// Which layers there are, as program.py writes them down.
#pragma once

#include "convolution.hpp"
#include "dense.hpp"
#include "group_norm.hpp"
#include "images.hpp"
#include "norms.hpp"
#include "optimizers.hpp"

enum Kind {
    LINEAR, CONVOLUTION, BATCH_NORM, LAYER_NORM, ACTIVATION, ADDITION, MAX_POOL, RESHAPE,
    AVERAGE_POOL, GROUP_NORM, RMS_NORM
};

struct Shape {
    int32_t channels, rows, columns; // rows and columns are 0 for a dense value
};
struct Operation {
    int32_t kind, first, second; // values read: 0 is the input, k + 1 the result of operation k
    Shape shape;
    int32_t function, has_weight, has_bias;
    Axis rows, columns; // of a kernel or window
    int32_t groups, count_padding;
    float setting, epsilon, momentum;
    Multipliers weight, bias;
};

static std::unique_ptr<Layer> make_layer(const Operation &op, const Value &in, int batch) {
    switch (op.kind) {
    case LINEAR: return std::make_unique<Linear>(in.channels, op.shape.channels, op.has_bias);
    case CONVOLUTION:
        return std::make_unique<Convolution>(op.rows, op.columns, op.groups, op.has_bias);
    case BATCH_NORM: return std::make_unique<BatchNorm>(in.channels, op.epsilon, op.momentum);
    case LAYER_NORM:
    case RMS_NORM:
        return std::make_unique<LayerNorm>(in.channels, op.epsilon, op.has_weight, op.has_bias,
                                           op.kind == LAYER_NORM, batch);
    case GROUP_NORM:
        return std::make_unique<GroupNorm>(op.groups, in.channels, op.epsilon, op.has_weight, batch);
    case ADDITION: return std::make_unique<Addition>();
    case MAX_POOL: return std::make_unique<MaxPool>(op.rows, op.columns, false);
    case AVERAGE_POOL: return std::make_unique<AveragePool>(op.rows, op.columns, op.count_padding);
    case RESHAPE: return std::make_unique<Reshape>();
    }
    switch (op.function) {
    case RELU: return std::make_unique<Activation<RELU>>(op.setting);
    case LEAKY_RELU: return std::make_unique<Activation<LEAKY_RELU>>(op.setting);
    case TANH: return std::make_unique<Activation<TANH>>(op.setting);
    case SIGMOID: return std::make_unique<Activation<SIGMOID>>(op.setting);
    case GELU: return std::make_unique<Activation<GELU>>(op.setting);
    case SILU: return std::make_unique<Activation<SILU>>(op.setting);
    case ELU: return std::make_unique<Activation<ELU>>(op.setting);
    case SELU: return std::make_unique<Activation<SELU>>(op.setting);
    }
    return std::make_unique<Activation<SOFTPLUS>>(op.setting);
}
