"""What it means to each: pure folds over events. Knows no row, route, clock or random number."""
