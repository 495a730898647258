"""The README's tables, made from the CSV files of the benchmarks."""
