"""What the proof of the reload is made of: an exporter whose file changes, and a scraper that hardly rests."""

import itertools
import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import requests

from tests.e2e.kills import LABELS, LAST_SUCCESS, READ_TWICE, Account, Counts
from tests.e2e.processes import EXPORTER, Program, free_port, until
from tests.recorder import TOKENS

STAYS, COMES_AND_GOES = "acme", "beta"
RELOADS = "celigo_exporter_config_reloads_total"
SUCCESSFUL = "celigo_exporter_config_last_reload_successful"

_SAMPLE = re.compile(r'(\w+)\{account="(\w+)"(?=[^}]*flow_id="(\w+)")[^}]*(?:status|outcome)="(\w+)"[^}]*\} (\S+)')
_PAUSE_SECONDS = 0.05
_LIMIT = "rate_limit: {requests_per_second: 100, burst: 100}"


@dataclass
class Configuration:
    """The settings file, whose parts a change replaces."""

    path: Path
    accounts: Mapping[str, Account]
    present: frozenset[str] = frozenset({STAYS, COMES_AND_GOES})
    environment: str = "production"
    limit: str = _LIMIT
    jobs: str = "{interval: 1s, retries_interval: 2s}"
    more: str = ""

    def text(self, state: str = "state.db", account: str = "") -> str:
        """The file; `account` is one more."""
        lines = [
            f"  - {{name: {name}, base_url: '{each.url}', token_env: TOKEN,"
            f" environment: {self.environment}, {self.limit}}}"
            for name, each in self.accounts.items()
            if name in self.present
        ]
        collectors = f"collectors:\n  jobs: {self.jobs}\n  inventory: {{interval: 5s}}\n  errors: {{enabled: false}}\n"
        where = f"state: {{path: {self.path.parent / state}}}\n"
        return "accounts:\n" + "\n".join([*lines, account]) + "\n" + collectors + where + self.more

    def write(self, text: str | None = None) -> None:
        """Put the file in place in one step, as editors and Kubernetes do."""
        new = self.path.with_suffix(".new")
        new.write_text(self.text() if text is None else text)
        new.replace(self.path)


class Reloaded:
    """The exporter as a process."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        flags = [
            f"--config.file={configuration.path}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--web.enable-lifecycle",
        ]
        self.program = Program([*EXPORTER, "serve", *flags], {**os.environ, "TOKEN": TOKENS[0]})
        self.signals = 0

    @property
    def pid(self) -> int:
        """Of the process."""
        assert self.program.process is not None
        return self.program.process.pid

    def scrape(self) -> str:
        """A scrape of its own, which must succeed."""
        answer = requests.get(f"{self.url}/metrics", timeout=60)
        assert answer.status_code == 200
        return answer.text

    def value(self, name: str, label: str = "") -> float | None:
        """The first sample of a family that has `label`."""
        found = (line for line in self.scrape().splitlines() if re.match(rf"{name}[ {{]", line) and label in line)
        return next((float(line.rsplit(" ", 1)[1]) for line in found), None)

    def reloads(self) -> tuple[float, float]:
        """How many were applied and rejected."""
        applied, rejected = (self.value(RELOADS, f'"{outcome}"') for outcome in ("applied", "rejected"))
        assert applied is not None
        assert rejected is not None
        return applied, rejected

    def reload(self, *, by_signal: bool, good: bool) -> str:
        """Reload, wait for the outcome, check it against what it should be; what was answered."""
        applied, rejected = before = self.reloads()
        if by_signal:
            os.kill(self.pid, signal.SIGHUP)
            answer = ""
        else:
            response = requests.post(f"{self.url}/-/reload", timeout=60)
            assert response.status_code == (200 if good else 500), response.text
            answer = response.text
        after = until(lambda: (now := self.reloads()) != before and now, "the reload")
        assert after == ((applied + 1, rejected) if good else (applied, rejected + 1))
        assert self.value(SUCCESSFUL) == float(good)
        return answer

    def threads_and_files(self) -> tuple[int, int, int]:
        """Threads, open descriptors, and resident memory in MiB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        (kib,) = re.findall(r"VmRSS:\s+(\d+)", status)
        folder = Path(f"/proc/{self.pid}")
        return len(list((folder / "task").iterdir())), len(list((folder / "fd").iterdir())), int(kib) // 1024

    def see(self, accounts: Mapping[str, Account]) -> tuple[Mapping[str, float], Mapping[str, Counts]]:
        """Start, and wait for the first sight of each account, whose time stands still.

        By account, since when what is to be counted is agreed, and what was counted until then; for the reasons see
        `tests.e2e.kills.Exporter.see`.
        """
        stood_at, began = {name: each.freeze() for name, each in accounts.items()}, time.monotonic()
        self.program.__enter__()
        self.program.answering(f"{self.url}/-/ready")
        watermark = "celigo_exporter_watermark_timestamp_seconds"
        for name in accounts:
            until(partial(self.value, watermark, f'account="{name}"'), "the first sight")
        since = {name: each.advance(time.monotonic() - began + 1.0) for name, each in accounts.items()}
        if any(accounts[name].ended(at) for name, at in stood_at.items()):
            self.read_twice(accounts)
        return since, {name: counts_of(self.scrape(), name) for name in accounts}

    def read_twice(self, accounts: Sequence[str] | Mapping[str, Account]) -> None:
        """Wait until the runs of the accounts were read again from the beginning."""
        enough = time.time() + READ_TWICE
        labels = [f'account="{name}",collector="jobs"' for name in accounts]
        until(
            lambda: all((self.value(LAST_SUCCESS, label) or 0.0) > enough for label in labels), "the last reading", 180
        )


def counts_of(text: str, account: str) -> Counts:
    """The compared counters of an account in a document."""
    found = (match for line in text.splitlines() if (match := _SAMPLE.match(line)) and match[1] in LABELS)
    return +Counter({(each[1], each[3], each[4]): round(float(each[5])) for each in found if each[2] == account})


@dataclass
class Scraper:
    """Scrapes again and again; use it in `with`. Collects what should never be seen."""

    url: str
    scrapes: int = 0
    failures: list[str] = field(default_factory=list)
    drops: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    without: int = 0
    slowest_seconds: float = 0.0
    _newest: dict[str, Counts] = field(default_factory=dict)
    _end: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Scraper":
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(120)

    def _run(self) -> None:
        with requests.Session() as session:
            while not self._end.wait(_PAUSE_SECONDS):
                began = time.monotonic()
                try:
                    answer = session.get(f"{self.url}/metrics", timeout=60)
                except requests.RequestException as failure:
                    self.failures.append(type(failure).__name__)
                    continue
                self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - began)
                self.scrapes += 1
                if answer.status_code != 200:
                    self.failures.append(str(answer.status_code))
                else:
                    self._look(answer.text)

    def _look(self, text: str) -> None:
        environments = set(re.findall(r'environment="(\w+)"', text))
        if len(environments) != 1 or f'celigo_up{{account="{STAYS}"' not in text:
            self.mixed.append(f"{environments}")
        for name in (STAYS, COMES_AND_GOES):
            counts = counts_of(text, name)
            if not counts:
                self.without += name == COMES_AND_GOES
                self.drops += [f"{name}: gone"] if name == STAYS and self._newest.get(name) else []
                continue
            before = self._newest.get(name, Counts())
            self.drops += [
                f"{name} {key}: {before[key]} to {counts[key]}" for key in before if counts[key] < before[key]
            ]
            self._newest[name] = counts


def changes(configuration: Configuration) -> Iterator[tuple[str | None, str]]:
    """One change after the other, for ever: what a bad file holds, None for a good one; and what it is about."""
    for number in itertools.count():
        configuration.environment = f"e{number}"
        yield None, "label"
        configuration.present = frozenset({STAYS})
        yield None, "account gone"
        yield "accounts: [", "syntax"
        configuration.jobs = f"{{interval: {1 + number % 2}s, retries_interval: 2s, overlap: {2 + number % 3}h}}"
        yield None, "interval and overlap"
        new = "  - {name: new, base_url: 'http://127.0.0.1:9', token_file: missing}"
        yield configuration.text(account=new), "account without a token"
        configuration.present = frozenset({STAYS, COMES_AND_GOES})
        yield None, "account back"
        configuration.limit = f"rate_limit: {{requests_per_second: {100 + number % 7}, burst: 100}}"
        yield None, "budget"
        yield configuration.text(state="other.db"), "another state file"
        profile = "full" if number % 2 else "standard"
        configuration.more = f"ownership: [{{match: {{name: '.*'}}, team: team-{number}}}]\nprofile: {profile}\n"
        yield None, "ownership and profile"
        yield configuration.text() + "surprise: 1\n", "unknown key"
