"""The integer program to TIR PrimFuncs, objects and C."""
