"""The integer program: its types, builder, interpreter, verifier, planner and text form."""
