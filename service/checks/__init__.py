"""What the service stands on, looked at before it starts: `serve` refuses what would fail later, and `doctor` shows all of it."""
