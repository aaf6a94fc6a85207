"""Feeds side by side, each after those that it is checked against.

What is done with a feed is the caller's; only the order belongs here.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from typing import TypeVar

from sources.contract import Feed

Result = TypeVar("Result")

LANES = 2
"""How many at a time: one of persons keeps the database busy, the others mostly Python."""


def side_by_side(
    feeds: Sequence[Feed],
    needs: Callable[[Feed], Iterable[Feed]],
    work: Callable[[Feed], Result],
) -> Iterator[Result]:
    """Do the work for each feed, in threads; yield each result as it comes.

    Feeds of persons come first among those that may begin, for they take longest.

    Raises:
        Exception: the first that a work has raised, after the works under way have ended.
    """
    by_name = {feed.feed: feed for feed in feeds}
    order = TopologicalSorter(
        {feed.feed: {n.feed for n in needs(feed)} & set(by_name) for feed in feeds}
    )
    order.prepare()
    ready: list[Feed] = []
    running: dict[Future[Result], str] = {}
    with ThreadPoolExecutor(max_workers=LANES) as lanes:

        def begin() -> None:
            ready.extend(by_name[name] for name in order.get_ready())
            ready.sort(key=lambda feed: feed.ebene != "einzeldaten")
            while ready and len(running) < LANES:
                feed = ready.pop(0)
                running[lanes.submit(work, feed)] = feed.feed

        begin()
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                order.done(running.pop(future))
                begin()  # before the result is told: no lane waits for that
                yield future.result()
