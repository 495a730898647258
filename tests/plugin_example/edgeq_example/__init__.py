"""A plug-in for edgeq: family `example` with one kernel, a board that uses it, and a pass."""
