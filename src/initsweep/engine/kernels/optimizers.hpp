// One update of all parameters, as torch.optim makes it. Scalars are computed in double precision:
// 1 - beta2 in float would cost Adam three digits.
#pragma once

#include "network.hpp"

enum OptimizerName { SGD, ADAM, ADAMW, RMSPROP };

struct OptimizerSettings {
    int32_t name, nesterov;
    double momentum, beta1, beta2, epsilon, weight_decay;
    double clip; // largest norm of all gradients together; 0 for none
};

// Updates parameters that lie side by side and share all settings.
class Optimizer {
    OptimizerSettings settings_;
    ptrdiff_t size_;
    Memory first_, second_;
    long steps_ = 0;

  public:
    Optimizer(const OptimizerSettings &settings, ptrdiff_t size)
        : settings_(settings), size_(size), first_(size), second_(size) {}

    void restart() {
        steps_ = 0;
        std::memset(first_.get(), 0, size_ * sizeof(float));
        std::memset(second_.get(), 0, size_ * sizeof(float));
    }

    // Read all that it remembers into room for 2 * size floats, or write it from there.
    // Returns the end of the room.
    float *remember(int64_t *steps, float *room, bool read) {
        if (!read) steps_ = long(*steps);
        *steps = steps_;
        for (float *own : {first_.get(), second_.get()}) {
            std::memcpy(read ? room : own, read ? own : room, size_ * sizeof(float));
            room += size_;
        }
        return room;
    }

    void step(float *values, const float *gradients, double rate) {
        steps_++;
        if (settings_.name == SGD) return descend(values, gradients, rate);
        if (settings_.name == RMSPROP) return scale(values, gradients, rate);
        adapt(values, gradients, rate);
    }

  private:
    // Source: Sutskever et al. (2013), equations 1 to 4, in the form of torch.optim.SGD.
    void descend(float *values, const float *gradients, double rate) const {
        float momentum = float(settings_.momentum), decay = float(settings_.weight_decay);
        float size = float(rate);
        float *velocities = first_.get();
        for (ptrdiff_t i = 0; i < size_; i += WIDTH) {
            V x = load(values + i), direction = load(gradients + i);
            if (decay != 0) direction = fused(decay, x, direction);
            if (momentum != 0) {
                V velocity = fused(momentum, load(velocities + i), direction);
                store(velocities + i, velocity);
                direction = settings_.nesterov ? fused(momentum, velocity, direction) : velocity;
            }
            store(values + i, fused(-size, direction, x));
        }
    }

    // Source: Kingma and Ba (2015), algorithm 1; Loshchilov and Hutter (2019), algorithm 2 (AdamW).
    void adapt(float *values, const float *gradients, double rate) const {
        const OptimizerSettings &s = settings_;
        float decay = s.name == ADAM ? float(s.weight_decay) : 0.0f;
        float keep = s.name == ADAMW ? float(1 - rate * s.weight_decay) : 1.0f;
        float size = float(rate / (1 - std::pow(s.beta1, double(steps_))));
        float root_correction = float(std::sqrt(1 - std::pow(s.beta2, double(steps_))));
        float fresh = float(1 - s.beta1), kept_square = float(s.beta2), fresh_square = float(1 - s.beta2);
        float epsilon = float(s.epsilon);
        float *means = first_.get(), *squares = second_.get();
        for (ptrdiff_t i = 0; i < size_; i += WIDTH) {
            V x = load(values + i) * keep, g = load(gradients + i);
            if (decay != 0) g = fused(decay, x, g);
            V mean = load(means + i);
            mean = fused(fresh, g - mean, mean);
            V square = fused(kept_square, load(squares + i), fresh_square * g * g);
            store(means + i, mean);
            store(squares + i, square);
            store(values + i, fused(-size, mean / (root(square) / root_correction + epsilon), x));
        }
    }

    // Source: Tieleman and Hinton (2012), lecture 6.5, in the form of torch.optim.RMSprop.
    void scale(float *values, const float *gradients, double rate) const {
        float decay = float(settings_.weight_decay), epsilon = float(settings_.epsilon);
        float kept = float(settings_.beta2), fresh = float(1 - settings_.beta2), size = float(rate);
        float *squares = first_.get();
        for (ptrdiff_t i = 0; i < size_; i += WIDTH) {
            V x = load(values + i), g = load(gradients + i);
            if (decay != 0) g = fused(decay, x, g);
            V square = fused(kept, load(squares + i), fresh * g * g);
            store(squares + i, square);
            store(values + i, fused(-size, g / (root(square) + epsilon), x));
        }
    }
};

// Factors of one parameter on rate and weight decay.
struct Multipliers {
    double rate = 1, decay = 1;
    bool operator==(const Multipliers &other) const { return rate == other.rate && decay == other.decay; }
};

// All parameters of a network: an optimizer for each stretch of equal factors, as torch has
// parameter groups. Without factors that is one.
class Optimizers {
    struct Stretch {
        ptrdiff_t begin;
        double rate;
        Optimizer optimizer;
    };
    double clip_;
    ptrdiff_t size_;
    std::vector<Stretch> stretches_;

  public:
    // Factors of the stretches, each with its end, in their order.
    Optimizers(const OptimizerSettings &settings, const std::vector<std::pair<ptrdiff_t, Multipliers>> &ends)
        : clip_(settings.clip), size_(ends.back().first) {
        ptrdiff_t begin = 0;
        for (size_t k = 0; k < ends.size(); k++) {
            auto [end, own] = ends[k];
            if (k + 1 < ends.size() && ends[k + 1].second == own) continue;
            OptimizerSettings scaled = settings;
            scaled.weight_decay *= own.decay;
            stretches_.push_back({begin, own.rate, Optimizer(scaled, end - begin)});
            begin = end;
        }
    }

    void restart() {
        for (Stretch &one : stretches_) one.optimizer.restart();
    }

    void remember(int64_t *steps, float *room, bool read) {
        for (Stretch &one : stretches_) room = one.optimizer.remember(steps, room, read);
    }

    void step(float *values, float *gradients, double rate) {
        if (clip_ > 0) clip(gradients);
        for (Stretch &one : stretches_)
            one.optimizer.step(values + one.begin, gradients + one.begin, rate * one.rate);
    }

  private:
    // Source: Pascanu et al. (2013), algorithm 1, in the form of torch's clip_grad_norm_.
    void clip(float *gradients) const {
        double part[BLOCK] = {}, total = 0;
        for (ptrdiff_t i = 0; i < size_; i += BLOCK)
            for (int j = 0; j < BLOCK; j++) part[j] += double(gradients[i + j]) * gradients[i + j];
        for (double sum : part) total += sum;
        float factor = float(clip_ / (std::sqrt(total) + 1e-6));
        if (!(factor < 1.0f || factor != factor)) return;
        for (ptrdiff_t i = 0; i < size_; i += WIDTH) store(gradients + i, load(gradients + i) * factor);
    }
};
