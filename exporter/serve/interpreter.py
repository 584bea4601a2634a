"""What the exporter asks of the Python that runs it, so that a refresh beside a scrape is hardly noticed."""

import gc
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

SWITCH_SECONDS = 0.0005
"""After so long a thread that computes lets others go on; Python's own is ten times that. A scrape hands over to
another thread some ten times, and each time waits for every collector that computes."""

YOUNG_OBJECTS = 20_000
"""So many more objects than before are looked through for cycles; Python's own number is 700, which a listing of ten
thousand flows passes thirty times, all of whose objects are in use."""

UNFREEZE_AFTER = 100
"""Full collections after which everything is looked at again."""


@contextmanager
def tuned() -> Iterator[None]:
    """Switch threads more often, and spare the garbage collector what is in use, until the end of the body.

    Python looks for cycles among all objects that live whenever there are a quarter more of them, for a fifth of a
    second at ten thousand flows, in which no thread runs. What was reachable after such a search goes on to be, but for
    a few: they are looked at again after some more searches.
    """
    before, thresholds, collector = sys.getswitchinterval(), gc.get_threshold(), _Lasting()
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.set_threshold(YOUNG_OBJECTS, *thresholds[1:])
    gc.callbacks.append(collector)
    try:
        yield
    finally:
        gc.callbacks.remove(collector)
        gc.unfreeze()
        gc.set_threshold(*thresholds)
        sys.setswitchinterval(before)


class _Lasting:
    """Sets aside what a full collection found in use; called by the collector, one thread at a time."""

    def __init__(self) -> None:
        self._frozen = 0

    def __call__(self, phase: str, info: Mapping[str, int]) -> None:
        if phase != "stop" or info["generation"] != 2:
            return
        self._frozen += 1
        if self._frozen % UNFREEZE_AFTER:
            gc.freeze()
        else:
            gc.unfreeze()
