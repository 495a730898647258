/* Tensors to and from streams of words. Written by edgeq; needs <ap_int.h> and <hls_stream.h>. */
#ifndef EDGEQ_STREAMS_H
#define EDGEQ_STREAMS_H

#include <stdint.h>

#include <ap_int.h>
#include <hls_stream.h>

/* Tasks of a dataflow run at the same time: in hardware by themselves, with edgeq's streams of bounded depth as threads.
   The vendor's simulation calls them one after the other, with streams of any depth. */
#ifdef EDGEQ_SIM_HLS_STREAM_H
#include <thread>
#include <vector>
#define EDGEQ_DEPTH(stream, words) stream.set_depth(words);
#define EDGEQ_TASKS_BEGIN std::vector<std::thread> edgeq_tasks;
#define EDGEQ_TASK(call) edgeq_tasks.emplace_back([&] { call; });
#define EDGEQ_TASKS_END for (std::thread &task : edgeq_tasks) task.join();
#else
#define EDGEQ_DEPTH(stream, words)
#define EDGEQ_TASKS_BEGIN
#define EDGEQ_TASK(call) call;
#define EDGEQ_TASKS_END
#endif

/* Elements of a table of small integers: bits where they cost memory, bytes where they cost the compiler's time. */
template <int BITS>
struct edgeq_int {
#ifdef __SYNTHESIS__
    typedef ap_int<BITS> type;
#else
    typedef int8_t type;
#endif
};

static inline int32_t edgeq_min(int32_t a, int32_t b) { return a < b ? a : b; }
static inline int32_t edgeq_max(int32_t a, int32_t b) { return a > b ? a : b; }

/* Element k of a word. */
template <typename T, typename Word>
static inline T edgeq_get(const Word &word, int k)
{
#pragma HLS INLINE
    const int bits = 8 * sizeof(T);
    return (T)(int64_t)(uint64_t)word.range(bits * k + bits - 1, bits * k);
}

template <typename T, typename Word>
static inline void edgeq_put(Word &word, int k, T value)
{
#pragma HLS INLINE
    const int bits = 8 * sizeof(T);
    word.range(bits * k + bits - 1, bits * k) = (uint64_t)(int64_t)value & ((1ULL << bits) - 1);
}

/* COUNT elements, LANES to a word. */
template <int COUNT, int LANES, typename T, typename Word>
static void edgeq_take(hls::stream<Word> &in, T *to)
{
#pragma HLS INLINE
    for (int i = 0; i < COUNT; i += LANES) {
#pragma HLS PIPELINE II=1
        const Word word = in.read();
        for (int k = 0; k < LANES; ++k) {
#pragma HLS UNROLL
            to[i + k] = edgeq_get<T>(word, k);
        }
    }
}

template <typename Word>
static inline void edgeq_send_word(const Word &word, hls::stream<Word> &out)
{
#pragma HLS INLINE
    out.write(word);
}

template <typename Word, typename... Others>
static inline void edgeq_send_word(const Word &word, hls::stream<Word> &out, Others &...others)
{
#pragma HLS INLINE
    out.write(word);
    edgeq_send_word(word, others...);
}

template <int COUNT, int LANES, typename T, typename Word, typename... Others>
static void edgeq_send(const T *from, hls::stream<Word> &out, Others &...others)
{
#pragma HLS INLINE
    for (int i = 0; i < COUNT; i += LANES) {
#pragma HLS PIPELINE II=1
        Word word;
        for (int k = 0; k < LANES; ++k) {
#pragma HLS UNROLL
            edgeq_put<T>(word, k, from[i + k]);
        }
        edgeq_send_word(word, out, others...);
    }
}

#endif
