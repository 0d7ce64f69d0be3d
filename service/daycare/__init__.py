"""Daycares: what their systems post and what is imported of them, once each, under the same rules as everybody's."""
