"""How long each flow that no schedule starts may be silent, worked out anew where something changed and each hour."""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from exporter.changes import changed_keys
from exporter.collect.expectations import NOTHING
from exporter.collect.inventory import FlowFacts
from exporter.collect.lasting import Found, Lasting
from exporter.collect.silence import Silences
from exporter.ledger.history import HOUR, FlowHistory

SilenceOf = Callable[[FlowFacts, Mapping[str, str]], float | None]
"""How long a flow may be silent by the settings, None without one; the mapping holds the integrations' names by id."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What it was asked of last: the flows, the names of the integrations, and the hour since which runs are known."""

    flows: Mapping[str, FlowFacts]
    names: Mapping[str, str]
    known_hour: int


class QuietFlows:
    """The silence of flows that are on and that no schedule starts; used by one thread at a time.

    It is what the settings say. Where they say nothing it is the usual one, but for flows that are started by hand.
    """

    def __init__(self, silence_of: SilenceOf) -> None:
        self._silence_of = silence_of
        self._usual = Silences()
        self._asked = _Asked({}, {}, 0)
        self._silences: Lasting[float] = Lasting()

    def of(
        self,
        flows: Mapping[str, FlowFacts],
        names: Mapping[str, str],
        histories: Mapping[str, FlowHistory],
        ran: Collection[str],
        known_since: float,
        now: float,
    ) -> Mapping[str, float]:
        """Seconds by flow id; the very mapping of before when nothing changed in it.

        `names` are those of the integrations, `ran` the flows whose history is another one than before.
        """
        before, asked = self._asked, _Asked(flows, names, math.ceil(known_since / HOUR))
        changed = {*changed_keys(before.flows, flows), *ran}
        if asked.known_hour != before.known_hour or names != before.names:
            changed.update(flows)
        self._asked = asked

        def find(flow_id: str) -> Found[float] | None:
            flow = flows.get(flow_id)
            if flow is None:
                self._usual.forget(flow_id)
                return None
            return self._found(flow, names, histories.get(flow_id, NOTHING), known_since, now)

        return self._silences.of(sorted(changed), now, find)

    def _found(
        self, flow: FlowFacts, names: Mapping[str, str], history: FlowHistory, known_since: float, now: float
    ) -> Found[float] | None:
        if not flow.enabled or flow.trigger == "scheduled":
            return None
        silence = self._silence_of(flow, names)
        if silence is not None or flow.trigger == "on_demand":
            return Found(silence, math.inf)
        usual = self._usual.usual(flow.id, history.hours, known_since, now)
        return Found(usual, (now // HOUR + 1) * HOUR)
