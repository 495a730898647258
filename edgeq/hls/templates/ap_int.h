/* Integers of a given width for C simulation without the vendor's headers, which win where they are. */
#ifndef EDGEQ_SIM_AP_INT_H
#define EDGEQ_SIM_AP_INT_H

#include <cstdint>

/* Signed, at most 64 bits: what does not fit is cut off, as in hardware. */
template <int N>
class ap_int {
public:
    ap_int() : value(0) {}
    ap_int(int64_t v) : value((int64_t)((uint64_t)v << (64 - N)) >> (64 - N)) {}
    operator int64_t() const { return value; }

private:
    int64_t value;
};

template <int N>
class ap_uint {
public:
    class reference {
    public:
        reference(ap_uint &word, int hi, int lo) : word(word), mask(ones(hi - lo + 1) << lo), lo(lo) {}
        reference &operator=(uint64_t v)
        {
            word.value = (word.value & ~mask) | ((v << lo) & mask);
            return *this;
        }

    private:
        ap_uint &word;
        uint64_t mask;
        int lo;
    };

    ap_uint() : value(0) {}
    ap_uint(uint64_t v) : value(v & ones(N)) {}
    operator uint64_t() const { return value; }
    reference range(int hi, int lo) { return reference(*this, hi, lo); }
    ap_uint range(int hi, int lo) const { return ap_uint((value >> lo) & ones(hi - lo + 1)); }

private:
    static uint64_t ones(int bits) { return bits == 64 ? ~0ULL : (1ULL << bits) - 1; }
    uint64_t value;
};

#endif
