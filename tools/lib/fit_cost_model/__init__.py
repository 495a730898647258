"""Behind `tools/fit_cost_model`."""
