"""The accuracy benchmark: edgeq and its peers on the same models, calibration and evaluation data."""
