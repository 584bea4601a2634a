"""Steps of one collector run that fail apart: what one of them could not read must not cost the others.

Which failure a run is reported with matters, because a refusal (403, 404) makes the runner probe rarely: it is raised
as such only when nothing of the run was allowed.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from exporter.api.errors import ApiError, Forbidden, NotFound, TransportError, Unauthorized
from exporter.api.refresh import Refresh

REFUSALS = (Forbidden, NotFound)

_IN_A_ROW = 3


class Attempts:
    """The steps of one run; used by one thread."""

    def __init__(self, refresh: Refresh) -> None:
        self._refresh = refresh
        self._errors: list[ApiError] = []
        self._succeeded = 0
        self._in_a_row = 0

    @contextmanager
    def step(self, *, proof: bool = True) -> Iterator[None]:
        """Run the body as one step: an ApiError ends the step, not the run.

        `proof` false: its success does not show that the collector's own calls are allowed.
        """
        try:
            yield
        except ApiError as error:
            self._errors.append(error)
            self._in_a_row += 1
        else:
            self._succeeded += proof
            self._in_a_row = 0

    @property
    def over(self) -> bool:
        """Whether no further call can succeed: out of time, told to stop, or the token is dead."""
        out_of_time = self._refresh.stop.is_set() or self._refresh.remaining <= 0
        return out_of_time or isinstance(self._newest_failure, Unauthorized)

    @property
    def out_of_reach(self) -> bool:
        """Whether calls of any sort are a waste: over, or host gone."""
        newest = self._newest_failure
        return self.over or (isinstance(newest, TransportError) and newest.type in {"dns", "tls", "connect"})

    @property
    def hopeless(self) -> bool:
        """Whether further calls of the same sort are a waste: out of reach, or three failures in a row."""
        return self.out_of_reach or self._in_a_row >= _IN_A_ROW

    @property
    def _newest_failure(self) -> ApiError | None:
        return self._errors[-1] if self._in_a_row else None

    def patient(self) -> None:
        """Forget how many failed in a row: what follows asks another endpoint."""
        self._in_a_row = 0

    def finish(self, *, things_may_go: bool = False) -> None:
        """Raise the failure that matters most: one that is no refusal, else a refusal.

        A refusal among successes is marked as partial, so that the collector fails but goes on with what it may read.
        `things_may_go`: a 404 among successes means that something was deleted after it was listed, and is no failure,
        unless the step itself called it a partial refusal.
        """
        for error in self._errors:
            if not isinstance(error, REFUSALS):
                raise error
        if self._errors and not self._succeeded:
            raise self._errors[0]
        for error in self._errors:
            if not (things_may_go and isinstance(error, NotFound) and not error.partial):
                raise error.among_successes()
