"""Tuning one model for one target: what a search may choose there, what a trial does, and the study as a whole."""
