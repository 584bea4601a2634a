"""The one table of everything that is exported: name, type, labels, meaning, source, tier.

Names, labels and meanings are the public interface: one that is here keeps them. Series keys give label values in the
order of `labels`. The order of definition is the order in the document.
"""

from itertools import chain

from exporter.expose.catalogue import connections, errors, governance, inventory, own, runs, schedule
from exporter.expose.catalogue.connections import *  # noqa: F403 - every metric is also a name of the whole table
from exporter.expose.catalogue.errors import *  # noqa: F403 - the catalogue is all of its parts
from exporter.expose.catalogue.governance import *  # noqa: F403 - the catalogue is all of its parts
from exporter.expose.catalogue.inventory import *  # noqa: F403 - the catalogue is all of its parts
from exporter.expose.catalogue.own import *  # noqa: F403 - the catalogue is all of its parts
from exporter.expose.catalogue.runs import *  # noqa: F403 - the catalogue is all of its parts
from exporter.expose.catalogue.schedule import *  # noqa: F403 - the catalogue is all of its parts
from exporter.expose.families import Metric

SECTIONS = (own, inventory, schedule, runs, errors, connections, governance)
"""The modules of the table in their order."""

CATALOGUE: tuple[Metric, ...] = tuple(
    chain.from_iterable(
        [value for value in vars(section).values() if isinstance(value, Metric)] for section in SECTIONS
    )
)
"""Every metric that this release exports, in the order of the document."""
