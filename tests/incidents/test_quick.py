"""The shortcuts change nothing of what is served."""

from pathlib import Path

from exporter.expose.render import Format
from tests.incidents.quick import quick
from tests.simulation.world import World


def served(folder: Path, *, shortcuts: bool) -> list[bytes]:
    """Documents of some minutes, with errors of the API among them."""
    folder.mkdir()
    documents: list[bytes] = []
    with World(folder, seed=5, flows=6, history_seconds=3600.0, durable=False, profile="full") as world:

        def look() -> None:
            assert world.fleet is not None
            documents.append(world.fleet.documents.content(None, Format.TEXT, compressed=False).content)

        def minutes() -> None:
            world.minutes(4, look)
            world.simulator.inject("status", status=500, path="/v1/connections")
            world.minutes(3, look)

        if shortcuts:
            with quick(None):
                minutes()
        else:
            minutes()
    return documents


def test_documents_are_the_same_with_and_without_them(tmp_path: Path) -> None:
    usual = served(tmp_path / "usual", shortcuts=False)
    assert len(usual) == 7
    assert [_told(each) for each in served(tmp_path / "quick", shortcuts=True)] == [_told(each) for each in usual]


def _told(document: bytes) -> list[bytes]:
    """Lines in some order, without what the process tells of itself."""
    return sorted(line for line in document.split(b"\n") if not line.startswith((b"process_", b"python_")))
