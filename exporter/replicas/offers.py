"""What a replica has to publish of many accounts, sent together: one by one would take minutes where Redis is slow."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace

from exporter.account import AccountRuntime
from exporter.replicas.apart import told_of
from exporter.replicas.link import Link
from exporter.replicas.publisher import Parcel, Publisher
from exporter.replicas.trouble import Away

TOGETHER = 50
"""Of how many accounts what is new is sent to Redis at once: as much memory as that takes, twice."""


@dataclass(frozen=True, slots=True, eq=False)
class Offer:
    """An account of which something may be new; see `Publisher.prepared`."""

    account: str
    publisher: Publisher
    runtime: AccountRuntime
    saved: Callable[[], bool]
    alone: bool

    def prepared(self) -> Parcel | None:
        """What is to be sent, if anything is. Raises nothing."""
        with told_of(self.account), suppress(Away):
            return self.publisher.prepared(self.runtime, self.saved, alone=self.alone)
        return None


def publish(link: Link, offers: Sequence[Offer]) -> list[Offer]:
    """Publish what is new of each and serve it; those whose lease is another replica's. Raises nothing."""
    return [
        lost
        for start in range(0, len(offers), TOGETHER)
        for lost in _published(link, sorted(offers[start : start + TOGETHER], key=lambda offer: offer.account))
    ]


def _published(link: Link, offers: Sequence[Offer]) -> list[Offer]:
    with ExitStack() as held:
        for offer in offers:  # in the order of names, or two threads could wait for each other
            held.enter_context(offer.publisher.held)
        parcels = {offer: parcel for offer in offers if (parcel := offer.prepared()) is not None}
        answers = _sent(link, parcels)
        behind = [offer for offer, parcel in parcels.items() if answers[offer] == b"behind" and not parcel.whole]
        answers |= _sent(link, {offer: replace(parcels[offer], whole=True) for offer in behind})
        for offer, parcel in parcels.items():
            offer.publisher.settle(parcel, answers[offer])
    return [offer for offer, answer in answers.items() if answer == b"lost"]


def _sent(link: Link, parcels: dict[Offer, Parcel]) -> dict[Offer, bytes | Away]:
    try:
        answers = link.run_all([offer.publisher.call(parcel) for offer, parcel in parcels.items()])
    except Away as failure:
        return dict.fromkeys(parcels, failure)
    return dict(zip(parcels, answers, strict=True))
