"""Behind `tools/calibrate_cycles`."""
