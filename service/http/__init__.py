"""HTTP: the gateway in front of every route, what it enforces, and how requests, bodies, responses and problems are shaped."""
