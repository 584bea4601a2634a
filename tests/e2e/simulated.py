"""A simulated account of any size in a process of its own, so that what is measured elsewhere is not its cost.

Its time stands still, so nothing in it changes but what is changed from outside.
"""

import sys
from collections.abc import Sequence
from typing import Any, Self

import requests

from exporter.commands.simulator import stopping
from exporter.simulator import Simulator, SimulatorOptions
from tests.e2e.processes import Program, answers, free_port, until

FLOWS_OF_AN_INTEGRATION = 50
"""As contract 6 has it: 10,000 flows in 200 integrations."""

START_SECONDS = 900
"""A day of fifty thousand flows takes minutes to be lived."""

NO_LIMIT = 1_000_000
"""Requests a second. The bucket of an account would only add waiting, which is neither CPU nor memory."""

Request = dict[str, Any]


class SimulatedAccount(Program):
    """Use it in `with`; it answers from then on. `integrations` None means as many as the simulator makes by itself."""

    def __init__(self, flows: int, *, integrations: int | None = None, **options: float) -> None:
        api, control = free_port(), free_port()
        self.url, self.control_url = f"http://127.0.0.1:{api}", f"http://127.0.0.1:{control}"
        values = {"flows": flows, "port": api, "control_port": control, **options}
        if integrations is not None:
            values["integrations"] = integrations
        arguments = [f"{name}={int(value) if isinstance(value, bool) else value}" for name, value in values.items()]
        super().__init__([sys.executable, "-m", "tests.e2e.simulated", *arguments])
        self._session = requests.Session()

    def __enter__(self) -> Self:
        super().__enter__()
        until(lambda: self.running() and answers(f"{self.control_url}/time"), "the account is there", START_SECONDS)
        return self

    def __exit__(self, *error: Any) -> None:
        self._session.close()
        super().__exit__(*error)

    def control(self, method: str, path: str, **body: object) -> Any:
        """One call of its control API; the JSON answer."""
        answer = self._session.request(method, self.control_url + path, json=body or None, timeout=300)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def advance(self, seconds: float) -> None:
        """Let it live on for so long."""
        self.control("POST", "/time", advance=seconds)

    def flows(self) -> list[str]:
        """Ids of the flows that are on."""
        return [flow["id"] for flow in self.control("GET", "/truth")["flows"] if flow["enabled"]]

    def requests(self) -> list[Request]:
        """Those that came since this was asked last, as its log has them."""
        found: list[Request] = self.control("GET", "/requests")["requests"]
        self.control("DELETE", "/requests")
        return found

    def change(self, flows: Sequence[str]) -> None:
        """Let each of the flows have run once more, with one error that stays open."""
        for flow in flows:
            self.control("POST", "/incidents", kind="flow_run_now", flow=flow, records=9, errors=1)


def contracts_account(flows: int) -> SimulatedAccount:
    """An account with as many integrations as contract 6 assumes."""
    return SimulatedAccount(flows, integrations=max(1, flows // FLOWS_OF_AN_INTEGRATION))


def main(arguments: Sequence[str]) -> None:
    """The process itself; each argument is a number that `SimulatorOptions` has."""
    given: dict[str, Any] = {}
    for argument in arguments:
        name, _, text = argument.partition("=")
        given[name] = float(text) if "." in text else int(text)
    options = SimulatorOptions(**given, bucket_size=NO_LIMIT, bucket_rate=float(NO_LIMIT))
    account = Simulator(options)
    account.clock.freeze()
    with stopping() as stop, account:
        stop.wait()


if __name__ == "__main__":
    main(sys.argv[1:])
