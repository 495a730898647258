"""Cost of inference on emulated Cortex-M boards."""
