"""How a number is shown: unit, limits, words for states, and what stands there when there is none."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from grafana_foundation_sdk.models.dashboard import (
    DashboardFieldConfigSourceOverrides,
    DashboardSpecialValueMapOptions,
    DynamicConfigValue,
    FieldColor,
    FieldColorModeId,
    FieldConfig,
    MatcherConfig,
    SpecialValueMap,
    SpecialValueMatch,
    Threshold,
    ThresholdsConfig,
    ThresholdsMode,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)

from dashboards.source.links import Link
from dashboards.source.palette import APART, BAD, CALM, GOOD, OUTCOMES, UNKNOWN, WARNING

UNKNOWN_TEXT = "unknown"
"""For a number that is there whenever the exporter knows it, 0 included."""

Steps = tuple[tuple[float | None, str], ...]
"""From which value on which colour; the first one from None on."""


def above(*steps: tuple[float, str], base: str = GOOD) -> Steps:
    """`base`, and from each value on its colour."""
    return ((None, base), *steps)


@dataclass(frozen=True, slots=True)
class Field:
    """How the numbers of a panel or of a column are shown.

    `states` gives values a word and a colour. `none` stands where nothing is answered. `least` and `most` are the ends
    of a scale. The colour is that of the limits unless there is one `colour` for all, or one `by_name` for each series.
    """

    unit: str = "short"
    decimals: int | None = None
    steps: Steps = ((None, GOOD),)
    states: Mapping[str, tuple[str, str]] | None = None
    none: str = UNKNOWN_TEXT
    least: float | None = None
    most: float | None = None
    colour: str | None = None
    by_name: bool = False
    links: tuple[Link, ...] = ()

    def config(self, custom: object = None) -> FieldConfig:
        """As Grafana has it; `custom` is what only one kind of panel knows."""
        config = FieldConfig(
            unit=self.unit,
            decimals=self.decimals,
            min_val=self.least,
            max_val=self.most,
            no_value=self.none,
            thresholds=thresholds(self.steps),
            mappings=[*mappings(self.states), *self._nothing()],
            color=self._colour(),
            custom=custom,
        )
        if self.links:
            # The SDK gives them the type of the links above a board, which have other keys.
            config.links = [link.data_link() for link in self.links]  # type: ignore[misc]
        return config

    def _nothing(self) -> list[ValueMapping]:
        """Where low numbers are trouble, nothing would have their colour."""
        if self.steps[0][1] not in (BAD, WARNING):
            return []
        known = ValueMappingResult(text=self.none, color=CALM, index=len(self.states or ()))
        match = SpecialValueMatch.NULL_AND_NAN
        return [SpecialValueMap(DashboardSpecialValueMapOptions(match=match, result=known))]

    def _colour(self) -> FieldColor:
        if self.colour is not None:
            return FieldColor(mode=FieldColorModeId.FIXED, fixed_color=self.colour)
        return FieldColor(
            mode=FieldColorModeId.PALETTE_CLASSIC_BY_NAME if self.by_name else FieldColorModeId.THRESHOLDS
        )


def thresholds(steps: Steps) -> ThresholdsConfig:
    """Steps as Grafana has them."""
    return ThresholdsConfig(mode=ThresholdsMode.ABSOLUTE, steps=[Threshold(value, colour) for value, colour in steps])


def mappings(states: Mapping[str, tuple[str, str]] | None) -> list[ValueMapping]:
    """Words and colours for values."""
    if not states:
        return []
    options = {
        value: ValueMappingResult(text=text, color=colour, index=index)
        for index, (value, (text, colour)) in enumerate(states.items())
    }
    return [ValueMap(options=options)]


def override(matcher: str, options: object, properties: Mapping[str, object]) -> DashboardFieldConfigSourceOverrides:
    """Other properties for the fields that fit."""
    values = [DynamicConfigValue(name, value) for name, value in properties.items()]
    return DashboardFieldConfigSourceOverrides(MatcherConfig(matcher, options), values)


def told_apart(names: Sequence[str]) -> Sequence[DashboardFieldConfigSourceOverrides]:
    """A colour for each series that is called like one of `names`, in their order; those beyond share the last one."""
    return [
        override("byName", name, {"color": {"mode": "fixed", "fixedColor": colour}})
        for name, colour in zip_longest(names, APART[: len(names)], fillvalue=UNKNOWN)
    ]


def fixed_colours(names: Iterable[str]) -> Sequence[DashboardFieldConfigSourceOverrides]:
    """For each series that is called like a member of an enumeration, the colour that it has everywhere."""
    return coloured({name: OUTCOMES[name] for name in names if name in OUTCOMES})


def coloured(colours: Mapping[str, str]) -> Sequence[DashboardFieldConfigSourceOverrides]:
    """A colour for each series of that name."""
    return [
        override("byName", name, {"color": {"mode": "fixed", "fixedColor": colour}}) for name, colour in colours.items()
    ]


def drawn(name: str, colour: str, *, dashed: bool = False, points: bool = False) -> DashboardFieldConfigSourceOverrides:
    """The colour of the series `name`; `dashed` for a bound of the others, `points` for what is there only at times."""
    properties: dict[str, object] = {"color": {"mode": "fixed", "fixedColor": colour}}
    if dashed:
        properties |= {"custom.lineStyle": {"fill": "dash", "dash": [8, 8]}, "custom.lineWidth": 1}
    if points:
        properties |= {"custom.drawStyle": "points", "custom.showPoints": "always", "custom.pointSize": 4}
    return override("byName", name, properties)
