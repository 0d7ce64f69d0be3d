"""The HTTP layer: the gateway in front of every route, and the forms of requests, bodies, responses and problem documents."""
