"""How fast the service is, and how near to what its parts could do: workloads, and the limits that they are held against."""
