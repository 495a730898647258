"""Samples to ranges: loading data, streaming observers."""
