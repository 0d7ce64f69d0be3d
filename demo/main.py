"""Runs `stillnew demo`: plays a family's first year through real devices, then shows the result.

Owns the order: start a service, play, show, keep serving. If a step fails, exits with 1 and one clear sentence.
"""

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from client import DeviceError
from client.environment import local_now
from demo import envelope, picture
from demo.cast import CHILD_NAMES, PARENTS, PLAYERS, Who
from demo.failed import DemoFailed
from demo.first_steps import MILESTONE, TWIN
from demo.glimpse import read_safety_note
from demo.history import SEED, History, invent
from demo.play import WHAT_NEXT, Played, perform
from demo.stage import Stage, stage
from demo.timelines import read_timeline, side_by_side
from demo.troupe import Troupe, gather
from demo.try_it import invitation
from demo.weeks import Year
from demo.wishes import WAITS

OnLine = Callable[[int, date, str], None]


async def main(*, once: bool = False, port: int | None = None, data: Path | None = None, seed: int = SEED) -> None:
    """Plays the year and shows the result. Then keeps serving until Control-C or SIGTERM, except with `once`.

    If `port` is None, a free port is used. If `data` is None, a new folder is used, which is removed at the end.

    Raises:
        SystemExit: code 1 after an error, with a sentence on stderr that states the cause and what to do next. Code 130 if the
            demo was interrupted before its output.
    """
    console = Console(highlight=False)
    # A pipe has no width, and rich would assume 80 columns.
    console.width = picture.width_of(console)
    run = asyncio.create_task(_run(console, once=once, port=port, data=data, seed=seed))
    loop = asyncio.get_running_loop()
    # The service is a separate process, which would keep running if the demo ended without stopping the service.
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, lambda: run.cancelling() or run.cancel())
    try:
        await run
    except DemoFailed as failure:
        print(f"The demo stopped. {failure}", file=sys.stderr)
        raise SystemExit(1) from failure
    except asyncio.CancelledError:
        raise SystemExit(130) from None


async def _run(console: Console, *, once: bool, port: int | None, data: Path | None, seed: int) -> None:
    started_s = time.monotonic()
    async with AsyncExitStack() as stack:
        with _status(console, "Starting a service with a database of its own"):
            running = await stack.enter_async_context(stage(data=data, port=port))
        await _year(console, running, once=once, seed=seed, started_s=started_s)


async def _year(console: Console, running: Stage, *, once: bool, seed: int, started_s: float) -> None:
    until = local_now()
    try:
        async with gather(base_url=running.base_url, folder=running.devices, year=Year(until=until)) as troupe:
            history = invent(until=until, child_by_twin=troupe.child_by_twin, seed=seed)
            with _progress(console, total=len(history.lines)) as on_line:
                played = await perform(history, troupe, on_line=on_line)
            await _show(console, history, troupe, played, seconds=time.monotonic() - started_s)
            if not once:
                console.print(invitation(running, troupe, shows_tokens=console.is_terminal), soft_wrap=True)
    except DeviceError as error:
        raise DemoFailed(f"A device could not go on: {error}.", next=WHAT_NEXT) from error
    if not once:
        await _serve_on(running)


async def _show(console: Console, history: History, troupe: Troupe, played: Played, *, seconds: float) -> None:
    ada = troupe.phones[Who.ADA]
    if ada.transcript() != troupe.tablet.transcript():
        raise DemoFailed("Ada's two devices hold different feeds.", next="That is a mistake of ours: please report it.")
    timelines = [read_timeline(await troupe.phones[parent].timeline()) for parent in PARENTS]
    parents = [PLAYERS[parent].name for parent in PARENTS]
    rows_by_name = {CHILD_NAMES[twin]: side_by_side(timelines, child=child) for twin, child in troupe.child_by_twin.items()}
    console.print(picture.heading(parents=parents, children=list(rows_by_name)))
    for name, rows in rows_by_name.items():
        console.print(picture.of_child(name, rows, parents=parents, names=troupe.members, width=console.width))
    console.print(picture.legend())
    console.print(picture.sentence(rows_by_name, parents=parents))
    console.print(envelope.drawn(await _envelope(history, troupe, played), width=console.width))
    ben = list(troupe.phones[WAITS].entries())
    held = picture.Held(
        entries=ada.mirror.place,
        released=sum(entry.released == "own_first" for entry in ben),
        hints=sum(entry.event.get("type") == "Hint" for entry in ben),
    )
    console.print(picture.numbers(history, played.tally, held, seconds=seconds))


async def _envelope(history: History, troupe: Troupe, played: Played) -> envelope.Envelope:
    phone, child = troupe.phones[WAITS], troupe.child_by_twin[TWIN]
    since = [entry for entry in phone.entries(after=played.before.place) if entry.place <= played.after.place]
    tips = await phone.tips(child=child, on=history.own_first.draft.occurred_at.date())
    return envelope.Envelope(
        history=history,
        played=played,
        released=envelope.about(since, child=child, milestone=MILESTONE),
        child_by_twin=troupe.child_by_twin,
        names=troupe.members,
        safety_note=read_safety_note(tips),
    )


@contextmanager
def _status(console: Console, text: str) -> Iterator[None]:
    """Shows a text while the block runs. Shows nothing if the output is not a terminal."""
    if not console.is_terminal:
        yield
        return
    with console.status(text):
        yield


@contextmanager
def _progress(console: Console, *, total: int) -> Iterator[OnLine]:
    """Yields a callback that advances a progress bar. The bar is shown only on a terminal."""
    columns = (TextColumn("{task.description}", style="none"), BarColumn(bar_width=None), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, expand=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("The year begins", total=total)

        def on_line(lines: int, day: date, phone: str) -> None:
            waited = f", {lines} lines at once" if lines > 3 else ""
            progress.update(task, advance=lines, description=f"{day:%d %b %Y}  {phone}{waited}".ljust(48))

        yield on_line


async def _serve_on(running: Stage) -> None:
    """Waits for Control-C or SIGTERM, and returns. Raises DemoFailed if the service ends by itself."""
    try:
        code = await running.process.wait()
    except asyncio.CancelledError:
        return
    raise DemoFailed(f"The service ended by itself (exit code {code}).", next=WHAT_NEXT)
