"""What happened: the vocabulary of the log. Knows msgspec and the standard library, nothing of rows, routes or clocks."""
