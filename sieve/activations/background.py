"""One thread beside the caller's: it fetches what the next steps need, or puts away what the last one made.

Neither changes a result: tasks run one at a time, in the order in which they were given, and what a task raises is
raised in the caller. When the `with` block ends, also by an exception, the thread ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

DEPTH = 2  # steps that are fetched ahead


@contextmanager
def ahead(at: Callable[[int], T], steps: int) -> Iterator[Callable[[int], T]]:
    """A function with the results of `at(step)`, step < `steps`; while the caller works on one, the next are fetched.

    `at` may depend on nothing but the step. Steps are meant to be asked for one after the other, from any on; others
    are right too, but not ready. At most `DEPTH` results wait. What `at(step)` raises is raised when that step is asked
    for.
    """
    thread = ThreadPoolExecutor(1, "ahead")
    waiting: dict[int, Future[T]] = {}

    def take(step: int) -> T:
        wanted = range(step, max(step, min(step + DEPTH, steps - 1)) + 1)
        for left in waiting.keys() - set(wanted):
            waiting.pop(left).cancel()
        for number in wanted:
            if number not in waiting:
                waiting[number] = thread.submit(at, number)
        return waiting.pop(step).result()

    try:
        yield take
    finally:
        thread.shutdown(cancel_futures=True)


@contextmanager
def behind() -> Iterator[Callable[[Callable[[], None]], None]]:
    """A function that has a task done while the caller goes on; it first waits until the task before is done.

    So at most one task, with what it holds, is in hand. What a task raises is raised by the next call or at the end of
    the block, whichever comes first; an exception of the caller's own goes before it.
    """
    thread = ThreadPoolExecutor(1, "behind")
    running: list[Future[None]] = []

    def give(task: Callable[[], None]) -> None:
        finish()
        running.append(thread.submit(task))

    def finish() -> None:
        if running:
            running.pop().result()

    try:
        yield give
        finish()
    finally:
        thread.shutdown()
