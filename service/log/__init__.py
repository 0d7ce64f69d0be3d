"""The log: who may add what, in which order, and what becomes of it."""
