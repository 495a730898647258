/* Kernels in the manner of CMSIS-NN for cores with DSP instructions (Lai, Suda, Chandra, arXiv:1801.06601, sections 3.2
 * to 3.4), written to have the peer's mix of instructions: 2 x 2 blocks of int16 columns and int8 weights, im2col, widening
 * by SXTB16, requantization with two roundings. Only their cost matters: they run on whatever memory holds.
 */
#include <arm_acle.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define NOINLINE __attribute__((noipa))
#define ROTATED(word) ((word) >> 8 | (word) << 24)

typedef struct {
    int32_t offset, lo, hi;
    const int32_t *multiplier, *shift;
} output_stage;

static inline int32_t word(const void *p) {
    int32_t value;
    memcpy(&value, p, sizeof value);
    return value;
}

/* Saturating doubling high product, then a rounding division by a power of two: two roundings. */
static inline int32_t requantize(int32_t acc, const output_stage *out, int channel) {
    const int32_t shift = out->shift[channel], left = shift > 0 ? shift : 0, right = shift > 0 ? 0 : -shift;
    const int64_t wide = (int64_t)(acc << left) * out->multiplier[channel] + (1 << 30);
    int32_t high = (int32_t)(wide >> 31);
    const int32_t mask = (1 << right) - 1, remainder = high & mask;
    const int32_t threshold = (mask >> 1) + (high < 0);
    high = (high >> right) + (remainder > threshold) + out->offset;
    high = high > out->lo ? high : out->lo;
    return high < out->hi ? high : out->hi;
}

/* Four bytes as two words of neighbouring halves. */
static inline const int8_t *widen(const int8_t *p, int32_t *low, int32_t *high) {
    const int32_t four = word(p);
    const int32_t even = (int32_t)__sxtb16((uint32_t)four), odd = (int32_t)__sxtb16(ROTATED((uint32_t)four));
    *low = (even & 0xffff) | (odd << 16);
    *high = (odd & (int32_t)0xffff0000) | (int32_t)((uint32_t)even >> 16);
    return p + 4;
}

/* Two rows of weights times two columns. */
static NOINLINE int8_t *product(const int8_t *weight, const int16_t *columns, int outputs, const output_stage *out,
                                int length, const int32_t *bias, int8_t *y) {
    int8_t *y0 = y, *y1 = y + outputs;
    for (int channel = 0; channel < outputs; channel += 2) {
        const int16_t *x0 = columns, *x1 = columns + length;
        const int8_t *w0 = weight, *w1 = weight + length;
        int32_t a00 = bias[channel], a01 = a00, a10 = bias[channel + 1], a11 = a10;
        for (int i = length / 4; i > 0; i--) {
            int32_t p0, p1, q0, q1;
            w0 = widen(w0, &p0, &p1);
            w1 = widen(w1, &q0, &q1);
            int32_t b0 = word(x0), b1 = word(x1);
            a00 = __smlad(p0, b0, a00);
            a01 = __smlad(p0, b1, a01);
            a10 = __smlad(q0, b0, a10);
            a11 = __smlad(q0, b1, a11);
            b0 = word(x0 + 2);
            b1 = word(x1 + 2);
            x0 += 4;
            x1 += 4;
            a00 = __smlad(p1, b0, a00);
            a01 = __smlad(p1, b1, a01);
            a10 = __smlad(q1, b0, a10);
            a11 = __smlad(q1, b1, a11);
        }
        *y0++ = (int8_t)requantize(a00, out, channel);
        *y1++ = (int8_t)requantize(a01, out, channel);
        *y0++ = (int8_t)requantize(a10, out, channel + 1);
        *y1++ = (int8_t)requantize(a11, out, channel + 1);
        weight += 2 * length;
    }
    return y + 2 * outputs;
}

static NOINLINE void widen_column(const int8_t *x, int16_t *column, int count, int16_t offset) {
    const uint32_t both = (uint16_t)offset * 0x10001u;
    for (int i = count / 4; i > 0; i--) {
        int32_t low, high;
        x = widen(x, &low, &high);
        low = (int32_t)__sadd16((int16x2_t)low, (int16x2_t)both);
        high = (int32_t)__sadd16((int16x2_t)high, (int16x2_t)both);
        memcpy(column, &low, 4);
        memcpy(column + 2, &high, 4);
        column += 4;
    }
}

NOINLINE void convolution(const int8_t *x, int side, int channels, const int8_t *weight, int kernel, int stride,
                          int outputs, int columns_high, int columns_wide, const int32_t *bias,
                          const output_stage *out, int16_t *columns, int8_t *y) {
    const int length = kernel * kernel * channels, pad = kernel / 2;
    int16_t *column = columns;
    for (int oy = 0; oy < columns_high; oy++) {
        for (int ox = 0; ox < columns_wide; ox++) {
            for (int iy = oy * stride - pad; iy < oy * stride - pad + kernel; iy++) {
                for (int ix = ox * stride - pad; ix < ox * stride - pad + kernel; ix++) {
                    if (iy < 0 || iy >= side || ix < 0 || ix >= side) {
                        memset(column, 0, 2 * (size_t)channels);
                    } else {
                        widen_column(x + (iy * side + ix) * channels, column, channels, (int16_t)out->offset);
                    }
                    column += channels;
                }
            }
            if (column == columns + 2 * length) {
                y = product(weight, columns, outputs, out, length, bias, y);
                column = columns;
            }
        }
    }
}

/* 1 x 1: two pixels and two channels at a time, both int8. */
NOINLINE void pointwise(const int8_t *x, int pixels, int length, const int8_t *weight, int outputs, const int32_t *bias,
                        const output_stage *out, int8_t *y) {
    for (int channel = 0; channel < outputs; channel += 2) {
        const int8_t *row = x;
        for (int pixel = 0; pixel < pixels / 2; pixel++) {
            const int8_t *w0 = weight + channel * length, *w1 = w0 + length, *x0 = row, *x1 = row + length;
            int32_t a00 = bias[channel], a01 = a00, a10 = bias[channel + 1], a11 = a10;
            for (int i = length / 16; i > 0; i--) {
#pragma GCC unroll 4
                for (int j = 0; j < 4; j++) {
                    const uint32_t p = (uint32_t)word(w0), q = (uint32_t)word(w1);
                    const uint32_t b = (uint32_t)word(x0), c = (uint32_t)word(x1);
                    const int32_t pe = __sxtb16(p), po = __sxtb16(ROTATED(p));
                    const int32_t qe = __sxtb16(q), qo = __sxtb16(ROTATED(q));
                    const int32_t be = __sxtb16(b), bo = __sxtb16(ROTATED(b));
                    const int32_t ce = __sxtb16(c), co = __sxtb16(ROTATED(c));
                    a00 = __smlad(pe, be, __smlad(po, bo, a00));
                    a01 = __smlad(pe, ce, __smlad(po, co, a01));
                    a10 = __smlad(qe, be, __smlad(qo, bo, a10));
                    a11 = __smlad(qe, ce, __smlad(qo, co, a11));
                    w0 += 4;
                    w1 += 4;
                    x0 += 4;
                    x1 += 4;
                }
            }
            int8_t *to = y + 2 * pixel * outputs + channel;
            to[0] = (int8_t)requantize(a00, out, channel);
            to[1] = (int8_t)requantize(a10, out, channel + 1);
            to[outputs] = (int8_t)requantize(a01, out, channel);
            to[outputs + 1] = (int8_t)requantize(a11, out, channel + 1);
            row += 2 * length;
        }
    }
}

/* Window by window into an int16 buffer, then four channels at a time over it. */
NOINLINE void depthwise(const int8_t *x, int high, int wide, int channels, const int8_t *weight, const int32_t *bias,
                        const output_stage *out, int16_t *window, int8_t *y) {
    for (int oy = 0; oy < high; oy++) {
        for (int ox = 0; ox < wide; ox++) {
            int16_t *column = window;
            for (int iy = oy - 1; iy < oy + 2; iy++) {
                for (int ix = ox - 1; ix < ox + 2; ix++) {
                    if (iy < 0 || iy >= high || ix < 0 || ix >= wide) {
                        memset(column, 0, 2 * (size_t)channels);
                    } else {
                        widen_column(x + (iy * wide + ix) * channels, column, channels, (int16_t)out->offset);
                    }
                    column += channels;
                }
            }
            for (int channel = 0; channel < channels; channel += 4) {
                int32_t sums[4] = {bias[channel], bias[channel + 1], bias[channel + 2], bias[channel + 3]};
                const int8_t *w = weight + channel;
                const int16_t *at = window + channel;
                for (int taps = 4; taps > 0; taps--) {
                    int32_t a0, a1, b0, b1;
                    widen(w, &a0, &a1);
                    widen(w + channels, &b0, &b1);
                    const int32_t x0 = word(at), x1 = word(at + 2), z0 = word(at + channels), z1 = word(at + channels + 2);
                    sums[0] = __smlad((a0 & 0xffff) | (b0 << 16), (x0 & 0xffff) | (z0 << 16), sums[0]);
                    sums[1] = __smlad((b0 & ~0xffff) | (int32_t)((uint32_t)a0 >> 16),
                                      (z0 & ~0xffff) | (int32_t)((uint32_t)x0 >> 16), sums[1]);
                    sums[2] = __smlad((a1 & 0xffff) | (b1 << 16), (x1 & 0xffff) | (z1 << 16), sums[2]);
                    sums[3] = __smlad((b1 & ~0xffff) | (int32_t)((uint32_t)a1 >> 16),
                                      (z1 & ~0xffff) | (int32_t)((uint32_t)x1 >> 16), sums[3]);
                    w += 2 * channels;
                    at += 2 * channels;
                }
                for (int i = 0; i < 4; i++) {
                    *y++ = (int8_t)requantize(sums[i] + w[i] * at[i], out, channel + i);
                }
            }
        }
    }
}

/* Three outputs at a time, one input. */
NOINLINE void fully_connected(const int8_t *x, int length, const int8_t *weight, int outputs, const int32_t *bias,
                              const output_stage *out, int8_t *y) {
    for (int o = 0; o + 2 < outputs; o += 3) {
        const int8_t *w0 = weight + o * length, *w1 = w0 + length, *w2 = w1 + length, *at = x;
        int32_t a0 = bias[o], a1 = bias[o + 1], a2 = bias[o + 2];
        for (int i = length / 4; i > 0; i--) {
            const uint32_t b = (uint32_t)word(at);
            const int32_t even = __sxtb16(b), odd = __sxtb16(ROTATED(b));
            const uint32_t p = (uint32_t)word(w0), q = (uint32_t)word(w1), r = (uint32_t)word(w2);
            a0 = __smlad(__sxtb16(ROTATED(p)), odd, __smlad(__sxtb16(p), even, a0));
            a1 = __smlad(__sxtb16(ROTATED(q)), odd, __smlad(__sxtb16(q), even, a1));
            a2 = __smlad(__sxtb16(ROTATED(r)), odd, __smlad(__sxtb16(r), even, a2));
            at += 4;
            w0 += 4;
            w1 += 4;
            w2 += 4;
        }
        y[o] = (int8_t)requantize(a0, out, 0);
        y[o + 1] = (int8_t)requantize(a1, out, 0);
        y[o + 2] = (int8_t)requantize(a2, out, 0);
    }
}

/* Each input rescaled, then the sum: three requantizations per element. */
NOINLINE void add(const int8_t *a, const int8_t *b, int count, const output_stage *out, int8_t *y) {
    for (int i = 0; i < count; i++) {
        const int32_t first = requantize((a[i] + out->offset) * (1 << 20), out, 0);
        const int32_t second = requantize((b[i] + out->offset) * (1 << 20), out, 1);
        y[i] = (int8_t)requantize(first + second, out, 2);
    }
}
