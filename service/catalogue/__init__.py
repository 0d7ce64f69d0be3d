"""The catalogue of milestones as a resource. The same for everybody."""
