"""Behind `tools/bench_search`."""
