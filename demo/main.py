"""`stillnew demo`: a family's first year, played through real devices, then shown.

Owns the order of the evening: raise the stage, play, show, stay open. Exits with 1 and one clear sentence where it cannot.
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

Heard = Callable[[int, date, str], None]


async def main(*, once: bool = False, port: int | None = None, data: Path | None = None, seed: int = SEED) -> None:
    """Play the year and show it; then keep serving until Control-C or SIGTERM, unless `once`.

    `port` None: a free one. `data` None: a folder that is removed at the end.

    Raises:
        SystemExit: 1, after a sentence on stderr that says what failed and what to do next; 130 where it was interrupted
            before there was anything to see.
    """
    console = Console(highlight=False)
    # A pipe has no width of its own; rich would guess 80.
    console.width = picture.width_of(console)
    evening = asyncio.create_task(_evening(console, once=once, port=port, data=data, seed=seed))
    loop = asyncio.get_running_loop()
    # The service is a process of its own: it would outlive a demo that is ended without a chance to end it.
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, lambda: evening.cancelling() or evening.cancel())
    try:
        await evening
    except DemoFailed as failure:
        print(f"The demo stopped. {failure}", file=sys.stderr)
        raise SystemExit(1) from failure
    except asyncio.CancelledError:
        raise SystemExit(130) from None


async def _evening(console: Console, *, once: bool, port: int | None, data: Path | None, seed: int) -> None:
    started_s = time.monotonic()
    async with AsyncExitStack() as stack:
        with _news(console, "Starting a service with a database of its own"):
            running = await stack.enter_async_context(stage(data=data, port=port))
        await _year(console, running, once=once, seed=seed, started_s=started_s)


async def _year(console: Console, running: Stage, *, once: bool, seed: int, started_s: float) -> None:
    until = local_now()
    try:
        async with gather(base_url=running.base_url, folder=running.devices, year=Year(until=until)) as troupe:
            history = invent(until=until, child_by_twin=troupe.child_by_twin, seed=seed)
            with _progress(console, total=len(history.lines)) as heard:
                played = await perform(history, troupe, on_line=heard)
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
    waited = list(troupe.phones[WAITS].entries())
    held = picture.Held(
        entries=ada.mirror.place,
        released=sum(entry.released == "own_first" for entry in waited),
        hints=sum(entry.event.get("type") == "Hint" for entry in waited),
    )
    console.print(picture.numbers(history, played.tally, held, seconds=seconds))


async def _envelope(history: History, troupe: Troupe, played: Played) -> envelope.Envelope:
    phone, child = troupe.phones[WAITS], troupe.child_by_twin[TWIN]
    since = [entry for entry in phone.entries(after=played.before.place) if entry.place <= played.after.place]
    tips = await phone.tips(child=child, on=history.own_first.draft.occurred_at.date())
    return envelope.Envelope(
        history=history,
        played=played,
        told=envelope.about(since, child=child, milestone=MILESTONE),
        child_by_twin=troupe.child_by_twin,
        names=troupe.members,
        safety_note=read_safety_note(tips),
    )


@contextmanager
def _news(console: Console, text: str) -> Iterator[None]:
    """Say what is being waited for, where somebody watches."""
    if not console.is_terminal:
        yield
        return
    with console.status(text):
        yield


@contextmanager
def _progress(console: Console, *, total: int) -> Iterator[Heard]:
    """A bar that follows the year, where somebody watches."""
    columns = (TextColumn("{task.description}", style="none"), BarColumn(bar_width=None), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, expand=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("The year begins", total=total)

        def heard(lines: int, day: date, phone: str) -> None:
            waited = f", {lines} lines at once" if lines > 3 else ""
            progress.update(task, advance=lines, description=f"{day:%d %b %Y}  {phone}{waited}".ljust(48))

        yield heard


async def _serve_on(running: Stage) -> None:
    """Wait for Control-C or SIGTERM, which end the demo well; or for the service to end by itself, which does not."""
    try:
        code = await running.process.wait()
    except asyncio.CancelledError:
        return
    raise DemoFailed(f"The service ended by itself (exit code {code}).", next=WHAT_NEXT)
