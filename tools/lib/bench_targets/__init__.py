"""Every model on every target."""
