"""A family's first year, invented and played through real devices. Knows what a device knows."""
