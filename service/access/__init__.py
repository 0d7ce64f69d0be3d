"""Access: families, invites, devices, members who leave, and the guard that authenticates requests."""
