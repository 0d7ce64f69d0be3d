"""Defines the sizes of the workloads: the full sizes, and the smallest sizes, for a check that the workloads still work."""

import msgspec

CREW = "16 devices, 4 families of 5 members"


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters of all workloads. A workload has `rounds` rounds, and a figure is the median of the rounds."""

    rounds: int
    warm_up_s: float
    round_s: float
    families: int
    flush_drafts: int
    unnest_rows: int
    live_per_s: int
    live_s: float
    bootstrap_events: int
    bootstrap_pulls: int
    replay_families: int
    replay_events: int
    idle_streams: tuple[int, ...]
    idle_watch_s: float
    strangers: int
    neighbour_events: int


FULL = Size(
    rounds=5, warm_up_s=3.0, round_s=8.0, families=4, flush_drafts=100, unnest_rows=100_000, live_per_s=50, live_s=20.0,
    bootstrap_events=2_000, bootstrap_pulls=30, replay_families=20, replay_events=200_000,
    idle_streams=(1_000, 5_000), idle_watch_s=30.0, strangers=150, neighbour_events=40_000,
)
SMOKE = Size(
    rounds=1, warm_up_s=0.1, round_s=0.4, families=4, flush_drafts=20, unnest_rows=2_000, live_per_s=20, live_s=0.5,
    bootstrap_events=100, bootstrap_pulls=3, replay_families=2, replay_events=1_000,
    idle_streams=(10, 20), idle_watch_s=0.5, strangers=10, neighbour_events=500,
)
