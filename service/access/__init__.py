"""Who may speak for whom: founding, invites, devices, leaving, and the guard at the door."""
