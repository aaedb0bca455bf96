"""A second thread changes when things are done, never what comes out."""

import threading
import time
import weakref

import pytest

from sieve.activations.background import DEPTH, ahead, behind

STEPS = 30


class Held:
    """Something that a task holds in memory."""


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    """Whatever happens in a test, its threads have ended."""
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) == before


@pytest.mark.parametrize("begin", [0, 7, STEPS - 1])
def test_the_same_results_from_any_step_on(begin):
    """Each step has its own result, computed once and not beyond the last, also when training begins in the middle."""
    asked = []
    with ahead(lambda step: asked.append(step) or step**2, STEPS) as at:
        found = [at(step) for step in range(begin, STEPS)]

    assert found == [step**2 for step in range(begin, STEPS)]
    assert asked == list(range(begin, STEPS))


def test_steps_in_any_order():
    """Going back, skipping and asking twice is right too."""
    order = [5, 5, 0, 29, 3, 4, 28, 29, 2, 31]
    with ahead(lambda step: -step, STEPS) as at:
        assert [at(step) for step in order] == [-step for step in order]


def test_the_next_steps_are_fetched_while_the_caller_works():
    """While the caller has one result, the next `DEPTH` are fetched without being asked for, and no more."""
    made = [threading.Event() for _ in range(STEPS)]
    with ahead(lambda step: made[step].set(), STEPS) as at:
        at(4)
        assert all(made[step].wait(10) for step in range(4, 5 + DEPTH))
        time.sleep(0.05)  # in which a thread that goes too far would do so
        assert not made[5 + DEPTH].is_set()


def test_a_failed_step_fails_when_it_is_asked_for():
    """What a step raises is raised at that step, not when it was fetched, and the steps before it are given."""
    with ahead(lambda step: 1 // (step - 6), STEPS) as at:
        assert [at(step) for step in range(4, 6)] == [-1, -1]
        with pytest.raises(ZeroDivisionError):
            at(6)
        assert at(7) == 1


def test_fetching_ends_with_the_block():
    """A caller's exception ends the thread; what was only waiting is not computed."""
    begun, go_on = threading.Event(), threading.Event()
    asked = []

    def at(step):
        asked.append(step)
        if step == 1:
            begun.set()
            go_on.wait(10)
        return step

    with pytest.raises(KeyError), ahead(at, STEPS) as taken:
        taken(0)
        begun.wait(10)
        threading.Timer(0.1, go_on.set).start()
        raise KeyError

    assert asked == [0, 1]


def test_tasks_are_done_in_order_and_all():
    """Every task is done, one at a time, in the order given, before the block ends."""
    done, busy = [], []

    def task(number):
        busy.append(number)
        time.sleep(0.002)
        assert busy == [number]
        busy.clear()
        done.append(number)

    with behind() as give:
        for number in range(20):
            give(lambda number=number: task(number))

    assert done == list(range(20))


def test_at_most_one_task_is_in_hand():
    """The caller goes on while a task runs, but cannot hand over the next before it is done."""
    go_on, second = threading.Event(), []
    with behind() as give:
        give(lambda: go_on.wait(10))
        assert not go_on.is_set()  # the caller is here while the task waits
        threading.Timer(0.05, lambda: second.append("early") or go_on.set()).start()
        give(lambda: second.append("after"))

    assert second == ["early", "after"]


def test_a_task_that_is_done_holds_nothing():
    """What a task held is free once the next is handed over."""
    held = Held()
    watched = weakref.ref(held)
    with behind() as give:
        give(lambda held=held: None)
        del held
        give(lambda: None)
        assert watched() is None


def test_a_failed_task_stops_the_caller():
    """What a task raises is raised by the next call, or at the end of the block, and no later task is begun."""
    done = []
    with pytest.raises(ZeroDivisionError), behind() as give:
        give(lambda: 1 // 0)
        give(lambda: done.append(1))
    assert done == []
    with pytest.raises(ZeroDivisionError), behind() as give:
        give(lambda: 1 // 0)


def test_the_caller_s_exception_goes_first():
    """A caller that fails waits for the task in hand and is left with its own exception."""
    done = []
    with pytest.raises(KeyError), behind() as give:
        give(lambda: time.sleep(0.02) or done.append(1) or 1 // 0)
        raise KeyError
    assert done == [1]
