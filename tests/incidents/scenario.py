"""One scenario file, read strictly: a key that is not known, or a value that cannot be, is one clear line."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import msgspec
import yaml

from tests.incidents.spans import Span, span

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Word = Annotated[str, msgspec.Meta(min_length=1)]


class ScenarioError(Exception):
    """A scenario that cannot be played; the text is one line that names the file."""


class AccountShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How large the account is and how its ordinary life goes; quiet unless said. See `SimulatorOptions`."""

    flows: Annotated[int, msgspec.Meta(ge=1, le=500)] = 14
    integrations: int | None = None
    seed: int = 5
    history: Span = Span(6 * 60)
    failure_rate: Share = 0.0
    error_rate: Share = 0.0
    backlog: bool = False
    unresolved_share: Share | None = None
    page_size: int = 1000
    job_page_size: int = 1001
    bucket_size: int = 1000
    bucket_rate: float = 300.0


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the account that gets a name; exactly one of the first nine keys says which.

    `flow` is a trigger, `flows` too and takes `count`; the keys below them change what was chosen. A
    schedule that is not `readable` is of a form that nobody knows.
    """

    flow: str | None = None
    flows: str | None = None
    flows_of: str | None = None
    connection: Literal["any", "unused"] | None = None
    connection_of: str | None = None
    integration: Literal["any"] | None = None
    integration_of: str | None = None
    agent: Literal["any"] | None = None
    agent_of: str | None = None
    name: Word | None = None
    count: Annotated[int, msgspec.Meta(ge=1)] | None = None
    schedule: str | None = None
    timezone: str | None = None
    seconds: Annotated[float, msgspec.Meta(gt=0)] | None = None
    records: Annotated[int, msgspec.Meta(ge=1)] | None = None
    arrives_every: Span | None = None
    enabled: bool | None = None
    readable: bool = True
    on: str | None = None
    of: str | None = None
    behind: str | None = None


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"lasting": "for", "name": "as"}):
    """Something that happens `at` a time after the warm-up, perhaps again `every` so often until `until` is reached.

    Exactly one of `inject`, `lift`, `exporter`, `wire`, `disk`, `file` and `clock` says what. `options` are the
    incident's; `lasting` (in files: `for`) lifts an incident or mends a wire by itself, `name` (in files: `as`) is what
    `lift` calls it.
    """

    at: Span
    every: Span | None = None
    until: Span | None = None
    lasting: Span | None = None
    name: str | None = None
    inject: str | None = None
    lift: str | None = None
    exporter: Literal["down", "up", "restart"] | None = None
    wire: Literal["dns", "tls", "connect", "connect_timeout"] | None = None
    disk: Literal["full"] | None = None
    file: Literal["bad"] | None = None
    clock: float | None = None
    options: dict[str, Any] = {}

    def times(self) -> tuple[int, ...]:
        """Minutes after the warm-up at which it happens."""
        if self.every is None or self.until is None:
            return (int(self.at),)
        return tuple(range(int(self.at), int(self.until), int(self.every)))


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An alert that must fire `within` a window after the warm-up, and resolve in another, or `never` while it lasts.

    It stands for `count` alerts, as many as `labels` name members when it is not given. `labels` of the kind
    `flow: NAME` compare with the member's id, others as they are. `before` lets it fire in the warm-up already.
    """

    alert: Word
    within: tuple[Span, Span]
    resolves: tuple[Span, Span] | Literal["never", "any"] = "never"
    labels: dict[str, str] = {}
    count: Annotated[int, msgspec.Meta(ge=1)] | Literal["any"] | None = None
    before: bool = False


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file; see the package's description.

    With two `replicas` every series is there twice, of the second exporter a minute later. A `long` one is played by
    `make prove` only.
    """

    title: Word
    lasts: Span
    expect: tuple[Expected, ...]
    steps: tuple[Step, ...]
    covers: tuple[Word, ...] = ()
    account: AccountShape = AccountShape()
    settings: dict[str, Any] = {}
    cast: dict[str, Member] = {}
    begin: str = "2026-09-01T10:00:00Z"
    warm_up: Span = Span(60)
    warm_up_every: Span = Span(5)
    scrape_every: Span = Span(1)
    replicas: Annotated[int, msgspec.Meta(ge=1, le=2)] = 1
    long: bool = False
    note: str | None = None

    @property
    def minutes(self) -> int:
        """How long it is played, warm-up included."""
        return int(self.warm_up) + int(self.lasts)

    @property
    def evaluated_every(self) -> int:
        """Minutes between two evaluations of the rules."""
        return int(self.scrape_every)


_STEP_KEYS = frozenset(Step.__struct_encode_fields__) - {"options"}
_DOING = ("inject", "lift", "exporter", "wire", "disk", "file", "clock")
_CHOICE = (
    *("flow", "flows", "flows_of", "connection", "connection_of"),
    *("integration", "integration_of", "agent", "agent_of"),
)


class _Loader(yaml.SafeLoader):
    """Refuses a key that is given twice, and leaves instants as they are written, and words such as `on`."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {  # type: ignore[misc]  # a class variable there too
        first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp" and first not in "oOyYnN"]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise yaml.YAMLError(f"`{twice}` is given twice, line {node.start_mark.line + 1}")
        return super().construct_mapping(node, deep)


def read(path: Path) -> Scenario:
    """The scenario in a file. Raises ScenarioError."""
    return parse(path.read_text("utf-8"), path.name)


def parse(text: str, source: str) -> Scenario:
    """The scenario in `text`, the content of a file called `source`. Raises ScenarioError."""
    try:
        content = yaml.load(text, _Loader)
        scenario = msgspec.convert(_with_options(content), Scenario, dec_hook=_read_span)
        _check(scenario)
    except (yaml.YAMLError, msgspec.ValidationError, ValueError) as error:
        raise ScenarioError(f"{source}: {' '.join(str(error).split())}") from None
    return scenario


def _with_options(content: Any) -> Any:
    """The content with what belongs to an incident put aside, so that every other key can be strict."""
    if not isinstance(content, dict) or not isinstance(content.get("steps"), list):
        return content
    return {**content, "steps": [_parted(step) if isinstance(step, dict) else step for step in content["steps"]]}


def _parted(step: Mapping[str, Any]) -> dict[str, Any]:
    if "inject" not in step:
        return dict(step)
    own = {key: value for key, value in step.items() if key in _STEP_KEYS}
    return {**own, "options": {key: value for key, value in step.items() if key not in _STEP_KEYS}}


def _read_span(kind: type, value: object) -> object:
    if kind is Span:
        return span(value)
    raise NotImplementedError(kind)


def _check(scenario: Scenario) -> None:
    """Raise ValueError for what no single value shows."""
    for number, step in enumerate(scenario.steps):
        _check_step(step, f"steps[{number}]")
    if scenario.steps and min(step.at for step in scenario.steps) != 0:
        raise ValueError("steps: the first one must be `at: 0m`, from which every window counts")
    names = {step.name for step in scenario.steps if step.name}
    for step in scenario.steps:
        if step.lift is not None and step.lift not in names:
            raise ValueError(f"steps: nothing is called {step.lift!r} that could be lifted")
    for name, member in scenario.cast.items():
        if sum(getattr(member, key) is not None for key in _CHOICE) != 1:
            raise ValueError(f"cast.{name}: exactly one of {', '.join(_CHOICE)} is needed")
    for number, expected in enumerate(scenario.expect):
        _check_expected(expected, scenario, f"expect[{number}]")


def _check_step(step: Step, place: str) -> None:
    if sum(getattr(step, key) is not None for key in _DOING) != 1:
        raise ValueError(f"{place}: exactly one of {', '.join(_DOING)} is needed")
    if (step.every is None) != (step.until is None) or step.every == 0:
        raise ValueError(f"{place}: `every` (over 0m) and `until` go together")
    if step.lasting is not None and not (step.inject or step.wire or step.disk or step.file):
        raise ValueError(f"{place}: `for` goes with `inject`, `wire`, `disk` or `file`")


def _check_expected(expected: Expected, scenario: Scenario, place: str) -> None:
    windows = [expected.within, *([] if isinstance(expected.resolves, str) else [expected.resolves])]
    if any(first > last for first, last in windows):
        raise ValueError(f"{place}: a window ends before it begins")
    if any(last > scenario.lasts for _, last in windows):
        raise ValueError(f"{place}: a window ends after the scenario does")
    for label, value in expected.labels.items():
        if label in ("flow", "connection", "integration", "agent") and value not in scenario.cast:
            raise ValueError(f"{place}: {label} {value!r} is not in the cast")
