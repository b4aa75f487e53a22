// One network and its training. Nothing here is shared: as many trainers may run at the same time
// as there are threads. program.py writes the records.
#pragma once

#include <algorithm>

#include "layers.hpp"
#include "optimizers.hpp"

enum LossName { CROSS_ENTROPY, SQUARED_ERROR, ABSOLUTE_ERROR, HUBER, WEIGHTED_CROSS_ENTROPY };

struct Settings {
    Shape input;
    int32_t operations, batch, loss;
    OptimizerSettings optimizer;
    const float *class_weights; // one per output, or null
};

constexpr size_t CACHE = 2048 * 1024; // bytes of values that should stay close to the core

class Trainer {
    Settings settings_;
    std::vector<Value> values_;
    std::vector<float> weights_; // of classes, empty if all are 1
    std::vector<std::unique_ptr<Layer>> layers_;
    std::vector<Memory> memory_;
    Memory parameters_, gradients_;
    ptrdiff_t size_ = 0;
    std::vector<std::pair<ptrdiff_t, Multipliers>> ends_; // where parameters end, and their factors
    std::unique_ptr<Optimizers> optimizer_;
    int part_; // examples that go through the network at once

  public:
    Trainer(const Settings &settings, const Operation *operations) : settings_(settings) {
        int n = settings.operations;
        values_.resize(n + 1);
        lay_out(values_[0], settings.input, false);
        for (int k = 0; k < n; k++) {
            values_[operations[k].first].readers++;
            if (operations[k].kind == ADDITION) values_[operations[k].second].readers++;
        }
        for (int k = 0; k < n; k++) add_layer(operations, k);
        add_gradients_once(n, operations);
        choose_part(operations);
        for (int k = 0; k <= n; k++) allocate(k, operations);
        if (const float *given = settings.class_weights)
            weights_.assign(given, given + values_.back().channels);
        for (auto &layer : layers_) layer->set_up();
        parameters_ = Memory(size_), gradients_ = Memory(size_);
        for (auto &layer : layers_) layer->flat = {parameters_.get(), gradients_.get()};
        optimizer_ = std::make_unique<Optimizers>(settings.optimizer, ends_);
    }

    bool copy(int operation, int role, float *tensor, bool read) {
        return layers_[operation]->copy(Role(role), tensor, read);
    }

    // Floats that `remember` needs room for.
    int64_t memory() const { return 2 * size_; }
    void remember(int64_t *steps, float *room, bool read) { optimizer_->remember(steps, room, read); }

    // Forget the last network. Padding would be zero anyway, had that not overflowed.
    void restart() {
        optimizer_->restart();
        parameters_.clear(), gradients_.clear();
        for (Memory &memory : memory_) memory.clear();
        for (auto &layer : layers_) layer->restart();
    }

    // Train on `steps` batches; stop before the update whose loss is above the limit or NaN.
    int train(const float *features, const void *targets, const int64_t *order, int steps,
              const double *rates, double limit, double *losses) {
        for (int step = 0; step < steps; step++, order += settings_.batch) {
            for (auto &layer : layers_) layer->prepare_backward();
            double loss = 0;
            for (int start = 0; start < settings_.batch; start += part_) {
                int n = std::min(part_, settings_.batch - start);
                for (int i = 0; i < n; i++) read_example(i, features, order[start + i]);
                for (auto &layer : layers_) layer->forward(n, true);
                loss += loss_and_gradient(n, targets, order + start);
                for (size_t k = layers_.size(); k-- > 0;)
                    if (layers_[k]->out->needs_gradient) layers_[k]->backward(n, start > 0);
            }
            losses[step] = loss / settings_.batch;
            if (!(losses[step] <= limit)) return step;
            optimizer_->step(parameters_.get(), gradients_.get(), rates[step]);
        }
        return steps;
    }

    // Outputs in evaluation mode, shape (n, outputs).
    void predict(const float *features, int64_t n, float *outputs) {
        const Value &last = values_.back();
        for (int64_t start = 0; start < n; start += part_) {
            int count = int(std::min<int64_t>(part_, n - start));
            for (int i = 0; i < count; i++) read_example(i, features, start + i);
            for (auto &layer : layers_) layer->forward(count, false);
            for (int i = 0; i < count; i++)
                std::copy_n(last.data + i * last.stride, last.channels,
                            outputs + (start + i) * last.channels);
        }
    }

  private:
    static void lay_out(Value &value, Shape shape, bool packed) {
        value.channels = shape.channels;
        value.columns = std::max(shape.columns, 1);
        value.pixels = std::max(shape.rows, 1) * value.columns;
        value.width = packed ? shape.channels : whole_blocks(shape.channels);
        value.stride = whole_blocks(value.pixels * value.width);
        if (value.pixels == 1) value.stride = apart(int(value.stride));
    }

    void add_layer(const Operation *operations, int k) {
        const Operation &op = operations[k];
        Value &in = values_[op.first], &out = values_[k + 1];
        // An image that only convolutions read, of all channels at once, and that nothing is
        // trained by needs no room for more channels than it has.
        bool packed = op.kind == RESHAPE && op.shape.rows > 0 && !in.needs_gradient;
        for (int later = k + 1; later < settings_.operations; later++)
            if (operations[later].first == k + 1 || operations[later].second == k + 1)
                packed &= operations[later].kind == CONVOLUTION && operations[later].groups == 1;
        lay_out(out, op.shape, packed);
        out.needs_gradient = in.needs_gradient || op.has_weight;
        if (op.kind == ADDITION) out.needs_gradient |= values_[op.second].needs_gradient;
        auto layer = make_layer(op, in, settings_.batch);
        layer->in = &in, layer->out = &out;
        if (auto *addition = dynamic_cast<Addition *>(layer.get())) addition->other = &values_[op.second];
        layer->size_parameters();
        for (Parameter &parameter : layer->parameters) {
            parameter.offset = size_;
            size_ += whole_blocks(parameter.size);
            bool bias = &parameter != &layer->parameters.front();
            ends_.emplace_back(size_, bias ? op.bias : op.weight);
        }
        layers_.push_back(std::move(layer));
    }

    // Layers run backwards: the last reader of a value sets its gradient, earlier ones add.
    void add_gradients_once(int n, const Operation *operations) {
        std::vector<bool> set(n + 1, false);
        for (int k = n - 1; k >= 0; k--) {
            layers_[k]->add_input_gradient = set[operations[k].first];
            set[operations[k].first] = true;
            if (auto *addition = dynamic_cast<Addition *>(layers_[k].get())) {
                addition->add_other_gradient = set[operations[k].second];
                set[operations[k].second] = true;
            }
        }
    }

    // Images take much room: as many at once as stay in the cache. Else, and where a layer has to
    // see the whole batch, all at once.
    void choose_part(const Operation *operations) {
        size_t bytes = 0;
        bool images = false, whole = false;
        for (const Value &value : values_) // whatever lies between rows: sums depend on the parts
            bytes += 2 * whole_blocks(value.pixels * value.width) * sizeof(float);
        for (int k = 0; k < settings_.operations; k++) {
            images |= operations[k].kind == CONVOLUTION;
            whole |= operations[k].kind == BATCH_NORM;
        }
        part_ = settings_.batch;
        if (images && !whole) part_ = std::max(1, std::min<int>(part_, int(CACHE / bytes)));
    }

    static bool in_place(const Operation &op) {
        return op.kind == ACTIVATION && (op.function == RELU || op.function == TANH || op.function == SIGMOID);
    }

    // An activation that is the only reader of its input shares its memory where it may: not if
    // its derivative needs the argument, or the layer before it the result that it had.
    void allocate(int k, const Operation *operations) {
        Value &value = values_[k];
        auto fresh = [&] { return memory_.emplace_back(size_t(value.stride) * part_).get(); };
        const Operation *op = k > 0 ? operations + k - 1 : nullptr;
        bool alone = op && op->kind == ACTIVATION && op->first > 0 && values_[op->first].readers == 1;
        Value *in = alone ? &values_[op->first] : nullptr;
        bool shared = alone && in_place(*op) && forgets(operations[op->first - 1]);
        value.data = shared ? in->data : fresh();
        if (value.needs_gradient) value.gradient = alone ? in->gradient : fresh();
    }

    static bool forgets(const Operation &op) { return op.kind != ACTIVATION && op.kind != MAX_POOL; }

    void read_example(int to, const float *features, int64_t from) {
        const Value &first = values_[0];
        const float *source = features + from * first.channels * first.pixels;
        std::copy_n(source, first.channels, first.data + to * first.stride);
    }

    // Sum of the losses of n examples; their gradient is that of the mean over the batch.
    double loss_and_gradient(int n, const void *targets, const int64_t *rows) {
        const Value &last = values_.back();
        double total = 0;
        for (int i = 0; i < n; i++) {
            float *z = last.data + i * last.stride, *gradient = last.gradient + i * last.stride;
            if (settings_.loss == CROSS_ENTROPY || settings_.loss == WEIGHTED_CROSS_ENTROPY)
                total = cross_entropy(z, gradient, static_cast<const int64_t *>(targets)[rows[i]], total);
            else
                total += error_of(z[0] - static_cast<const float *>(targets)[rows[i]], gradient);
        }
        return total;
    }

    // Sources: Bishop (2006), equation 1.91 for q = 2 and 1; Huber (1964) for k = 1.
    double error_of(float error, float *gradient) const {
        float size = std::fabs(error), sign = float((error > 0) - (error < 0));
        if (settings_.loss == SQUARED_ERROR) {
            gradient[0] = 2.0f * error / float(settings_.batch);
            return double(error) * error;
        }
        bool bent = settings_.loss == ABSOLUTE_ERROR || size > 1; // of NaN neither, so it is kept
        gradient[0] = (bent ? sign : error) / float(settings_.batch);
        if (settings_.loss == ABSOLUTE_ERROR) return double(size);
        return bent ? double(size) - 0.5 : 0.5 * double(error) * error;
    }

    // Adds to a total. Source: Bishop (2006), Pattern Recognition and Machine Learning, equations 4.108
    // and 4.109.
    double cross_entropy(const float *z, float *gradient, int64_t target, double total) const {
        const Value &last = values_.back();
        float weight = weights_.empty() ? 1.0f : weights_[target];
        float largest = z[0], sum = 0, share = weight / float(settings_.batch);
        for (int c = 1; c < last.channels; c++) largest = z[c] > largest || z[c] != z[c] ? z[c] : largest;
        for (int c = 0; c < last.width; c += WIDTH)
            store(gradient + c, exponential(load(z + c) - largest));
        for (int c = 0; c < last.channels; c++) sum += gradient[c];
        for (int c = 0; c < last.channels; c++) gradient[c] = gradient[c] / sum * share;
        for (int c = last.channels; c < last.width; c++) gradient[c] = 0;
        gradient[target] -= share;
        return fused(double(weight), std::log(double(sum)) + double(largest) - double(z[target]), total);
    }
};
