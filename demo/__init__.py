"""Invents a family's first year and plays it through real devices. Knows only what a device knows."""
