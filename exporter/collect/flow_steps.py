"""Which exports and imports a flow consists of (contract 3.4)."""

from collections.abc import Iterator

from exporter.api.models import Flow, PageProcessor


def step_ids(flow: Flow) -> tuple[str, ...]:
    """Ids of all steps, each once, in the flow's order: generators, processors, router branches, legacy fields."""
    return tuple(dict.fromkeys(step_id for step_id in _all(flow) if step_id))


def generator_ids(flow: Flow) -> tuple[str, ...]:
    """Ids of the exports that the flow begins with, each once: those of its generators, or the legacy field."""
    ids = (*(generator.export_id for generator in flow.page_generators or ()), flow.export_id)
    return tuple(dict.fromkeys(export_id for export_id in ids if export_id))


def _all(flow: Flow) -> Iterator[str | None]:
    for generator in flow.page_generators or ():
        yield generator.export_id
    yield from _processors(flow.page_processors)
    for router in flow.routers or ():
        for branch in router.branches or ():
            yield from _processors(branch.page_processors)
    yield flow.export_id
    yield flow.import_id


def _processors(processors: tuple[PageProcessor, ...] | None) -> Iterator[str | None]:
    for processor in processors or ():
        yield processor.export_id
        yield processor.import_id
