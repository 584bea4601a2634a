"""Families as lines of text for expectations, sorted and without the account's labels; not the exporter's renderer."""

from collections.abc import Iterable

from exporter.expose.families import Distribution, Family


def lines(families: Iterable[Family], *names: str) -> list[str]:
    """One line per series of the families named (without the prefix), or of all."""
    found: list[str] = []
    for family in families:
        short = family.metric.name.removeprefix("celigo_")
        if names and short not in names:
            continue
        for key, value in family.series.items():
            labels = dict(zip(family.metric.labels, key, strict=True))
            if isinstance(value, Distribution):
                bounds = [*family.metric.buckets, float("inf")]
                counts = [*value.cumulative, value.count]
                pairs = zip(bounds, counts, strict=True)
                found += [_line(f"{short}_bucket", {**labels, "le": f"{bound:g}"}, n) for bound, n in pairs]
                found += [_line(f"{short}_sum", labels, value.sum), _line(f"{short}_count", labels, value.count)]
            else:
                found.append(_line(short, labels, value))
    return found


def _line(name: str, labels: dict[str, str], value: float) -> str:
    inside = ",".join(f'{label}="{text}"' for label, text in labels.items())
    return f"{name}{{{inside}}} {value:.15g}"
