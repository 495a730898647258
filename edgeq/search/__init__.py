"""Search for mixed precision: the space, trials, strategies, the store. Knows no target and no kernel."""
