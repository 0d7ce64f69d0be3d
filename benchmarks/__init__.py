"""Measures how fast the service is: workloads, each beside a limit, which is what its parts could do at best."""
