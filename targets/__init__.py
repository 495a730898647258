"""What hardware can do, as data, and the kernels of each family."""
