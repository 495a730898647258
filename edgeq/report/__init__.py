"""report.json and what the terminal shows."""
