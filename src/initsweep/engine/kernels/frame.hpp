// What slides over images, and what they are framed by.
#pragma once

#include "network.hpp"

// One axis of a kernel or window; the kernel is 0 where a pool cuts the axis into equal parts.
struct Axis {
    int32_t kernel, stride, padding, dilation;
};

// An image in the middle of zeros; where none are wanted around it, the image itself. One copy for
// all examples, made again for the way back, stays closer to the core than one for each.
class Frame {
    int rows_ = 0, columns_ = 0; // of the image
    ptrdiff_t width_ = 0, start_ = 0;
    Memory copy_;

  public:
    struct Span { // along one axis: zeros before the image, and all together
        int before, size;
    };
    ptrdiff_t line = 0; // floats from one row to the next

    void set_up(const Value &image, Span rows, Span columns) {
        rows_ = image.pixels / image.columns, columns_ = image.columns, width_ = image.width;
        line = columns.size * width_, start_ = rows.before * line + columns.before * width_;
        if (rows.size > rows_ || columns.size > columns_) copy_ = Memory(rows.size * line);
    }
    const float *around(const float *image) const {
        if (!copy_.get()) return image;
        for (int y = 0; y < rows_; y++)
            std::memcpy(copy_.get() + start_ + y * line, image + y * columns_ * width_,
                        columns_ * width_ * sizeof(float));
        return copy_.get();
    }
};
