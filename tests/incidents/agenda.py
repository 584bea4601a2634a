"""What happens when: the steps of a scenario, and the ends of those that end by themselves, by minute."""

from dataclasses import dataclass

from tests.incidents.scenario import Scenario, Step


@dataclass(frozen=True)
class Action:
    """A step at one of its times, or its end. `key` is what it is lifted by."""

    step: Step
    key: str
    lifting: bool = False


def agenda_of(scenario: Scenario) -> dict[int, list[Action]]:
    """What happens by minute since the begin; at the same minute what ends comes first."""
    agenda: dict[int, list[Action]] = {}
    for number, step in enumerate(scenario.steps):
        for at in step.times():
            key = step.lift or step.name or f"{number}@{at}"
            agenda.setdefault(scenario.warm_up + at, []).append(Action(step, key, step.lift is not None))
            if step.lasting is not None:
                agenda.setdefault(scenario.warm_up + at + step.lasting, []).insert(0, Action(step, key, lifting=True))
    return agenda
