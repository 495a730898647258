"""What a kernel call costs in time on a target, predicted from its shape."""
