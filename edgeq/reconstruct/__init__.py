"""One layer at a time: its inputs and outputs on samples, and weights on a grid that reproduce them."""
