/* Streams of bounded depth for C simulation: a design that locks up in hardware does so here, and says where. */
#ifndef EDGEQ_SIM_HLS_STREAM_H
#define EDGEQ_SIM_HLS_STREAM_H

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>

/* Nothing of C simulation waits so long for a word. */
#ifndef EDGEQ_STREAM_SECONDS
#define EDGEQ_STREAM_SECONDS 60
#endif

namespace hls {

template <typename T>
class stream {
public:
    explicit stream(const char *name) : name(name), depth(2) {}
    void set_depth(unsigned words) { depth = words; }

    void write(const T &value)
    {
        std::unique_lock<std::mutex> lock(mutex);
        wait(lock, "full", [this] { return values.size() < depth; });
        values.push_back(value);
        changed.notify_all();
    }

    T read()
    {
        std::unique_lock<std::mutex> lock(mutex);
        wait(lock, "empty", [this] { return !values.empty(); });
        const T value = values.front();
        values.pop_front();
        changed.notify_all();
        return value;
    }

private:
    template <typename Ready>
    void wait(std::unique_lock<std::mutex> &lock, const char *state, Ready ready)
    {
        if (!changed.wait_for(lock, std::chrono::seconds(EDGEQ_STREAM_SECONDS), ready)) {
            std::fprintf(stderr, "the design locks up: stream %s stays %s\n", name, state);
            std::_Exit(2);
        }
    }

    const char *name;
    size_t depth;
    std::deque<T> values;
    std::mutex mutex;
    std::condition_variable changed;
};

}

#endif
