"""Folds the logs of all families again, and compares the stored rows of the projections with the folded rows (law 11)."""

from service.replay.database import count_events, replay
from service.replay.family import Difference, ReplayResult, replay_family

__all__ = ["Difference", "ReplayResult", "count_events", "replay", "replay_family"]
