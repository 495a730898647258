"""Latency on this computer."""
