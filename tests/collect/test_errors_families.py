"""What is exported of open errors, line by line."""

import pytest

from exporter.api.errors import ServerError
from exporter.api.models import Step
from exporter.collect.ageing import AGES
from exporter.collect.errors_families import OPEN_ERRORS_BLOCK, RESOLVED_ERRORS_BLOCK
from exporter.collect.samples import CLASSIFICATIONS, SOURCES
from exporter.collect.step_info import step_info_block
from exporter.collect.step_listings import StepListing, StepsView
from exporter.collect.steps import StepType, step_facts
from exporter.expose import catalogue
from exporter.expose.families import Family
from tests.clocks import EPOCH
from tests.collect import blocks
from tests.collect.errors_kit import ErrorsKit, record
from tests.collect.exposition import lines


@pytest.fixture
def kit() -> ErrorsKit:
    kit = ErrorsKit(resolved=True)
    kit.client.flow_homes = {"f1": "i1", "f2": "i1"}
    kit.client.integration_ids = ["i1"]
    return kit


def built(kit: ErrorsKit) -> list[Family]:
    exports, imports = ({row.id: step_facts(row, kind) for row in rows} for kind, rows in step_rows(kit))
    steps = StepsView(StepListing(exports, True), StepListing(imports, True))
    views = {"open_errors": kit.view, "steps": steps}
    return [*blocks.built(OPEN_ERRORS_BLOCK, views), *blocks.built(step_info_block(all_steps=False), views)]


def step_rows(kit: ErrorsKit) -> tuple[tuple[StepType, list[Step]], tuple[StepType, list[Step]]]:
    return ("export", kit.client.export_rows), ("import", kit.client.import_rows)


def resolved(kit: ErrorsKit) -> list[Family]:
    return list(blocks.built(RESOLVED_ERRORS_BLOCK, {"resolved_errors": kit.resolved_view}))


def nonzero(shown: list[str]) -> list[str]:
    return [line for line in shown if not line.endswith(" 0")]


def test_an_account_without_errors_is_full_of_zeros(kit: ErrorsKit) -> None:
    kit.collect()
    assert sorted(nonzero(lines(built(kit)))) == sorted(["open_errors_sampled_ratio{} 1"])
    assert lines(built(kit), "flow_open_errors", "integration_open_errors") == [
        'flow_open_errors{flow_id="f1"} 0',
        'flow_open_errors{flow_id="f2"} 0',
        'integration_open_errors{integration_id="i1"} 0',
    ]
    classes = lines(built(kit), "integration_open_errors_by_classification")
    assert len(classes) == len(CLASSIFICATIONS)
    assert len(lines(built(kit), "integration_open_errors_by_source")) == len(SOURCES)
    assert len(lines(built(kit), "integration_open_errors_by_age")) == len(AGES)
    assert lines(built(kit), "integration_open_errors_unassigned", "integration_open_errors_expiring") == [
        'integration_open_errors_unassigned{integration_id="i1"} 0',
        'integration_open_errors_expiring{integration_id="i1"} 0',
    ]
    assert lines(resolved(kit)) == [
        'integration_errors_resolved_total{integration_id="i1",by="user"} 0',
        'integration_errors_resolved_total{integration_id="i1",by="auto"} 0',
    ]


def test_ages_assignments_and_purges_line_by_line(kit: ErrorsKit) -> None:
    kit.client.open_errors = {
        ("f1", "imp-1"): [record("1", -7200.0, purge=60.0, assigned=False), record("2", -90_000.0, assigned=True)],
        ("f2", "imp-1"): [record("1", -2_200_000.0, purge=-60.0, assigned=False)],
    }
    kit.collect()
    names = ("by_age", "unassigned", "expiring")
    assert lines(built(kit), *(f"integration_open_errors_{name}" for name in names)) == [
        'integration_open_errors_by_age{integration_id="i1",older_than="1h"} 3',
        'integration_open_errors_by_age{integration_id="i1",older_than="24h"} 2',
        'integration_open_errors_by_age{integration_id="i1",older_than="7d"} 1',
        'integration_open_errors_by_age{integration_id="i1",older_than="25d"} 1',
        'integration_open_errors_unassigned{integration_id="i1"} 2',
        'integration_open_errors_expiring{integration_id="i1"} 2',
    ]


def test_resolved_errors_line_by_line(kit: ErrorsKit) -> None:
    kit.collect()
    kit.clock.advance(60)
    now = kit.clock.time()
    kit.client.ran["f1"] = now
    kit.client.resolutions = [(now, "f1", "user")] * 3 + [(now, "f1", "auto")]
    kit.next()
    assert lines(resolved(kit)) == [
        'integration_errors_resolved_total{integration_id="i1",by="user"} 3',
        'integration_errors_resolved_total{integration_id="i1",by="auto"} 1',
    ]


def test_where_assignments_are_not_served_their_series_is_absent(kit: ErrorsKit) -> None:
    kit.raise_errors("f1", "imp-1", 2)
    kit.collect()
    assert lines(built(kit), "integration_open_errors_unassigned") == []


def test_open_errors_line_by_line(kit: ErrorsKit) -> None:
    kit.raise_errors("f1", "imp-1", 3, classification="missing", source="lookup", code="A")
    kit.clock.advance(30)
    kit.raise_errors("f1", "exp-1", 1, classification=None, source="unheard", code=422)
    kit.collect()
    assert sorted(nonzero(lines(built(kit)))) == sorted(
        [
            'flow_open_errors{flow_id="f1"} 4',
            'integration_open_errors{integration_id="i1"} 4',
            f'flow_oldest_open_error_timestamp_seconds{{flow_id="f1"}} {EPOCH:.15g}',
            f'flow_last_error_timestamp_seconds{{flow_id="f1"}} {EPOCH + 30:.15g}',
            'step_open_errors{flow_id="f1",step_id="imp-1"} 3',
            'step_open_errors{flow_id="f1",step_id="exp-1"} 1',
            'integration_open_errors_by_classification{integration_id="i1",classification="missing"} 3',
            'integration_open_errors_by_classification{integration_id="i1",classification="none"} 1',
            'integration_open_errors_by_source{integration_id="i1",source="lookup"} 3',
            'integration_open_errors_by_source{integration_id="i1",source="other"} 1',
            'open_errors_by_code{code="A"} 3',
            'open_errors_by_code{code="422"} 1',
            "open_errors_sampled_ratio{} 1",
            (
                'step_info{step_id="imp-1",step_name="ERP",step_type="import",'
                'adaptor_type="NetSuiteImport",connection_id="con-2"} 1'
            ),
            (
                'step_info{step_id="exp-1",step_name="Orders",step_type="export",'
                'adaptor_type="HTTPExport",connection_id="con-1"} 1'
            ),
        ]
    )


def test_a_cleared_step_is_a_zero_with_its_name(kit: ErrorsKit) -> None:
    kit.raise_errors("f1", "imp-1", 3)
    kit.collect()
    kit.resolve("f1", "imp-1")
    kit.next()
    shown = lines(built(kit), "step_open_errors", "step_info")
    assert [line.split("{")[0] for line in shown] == ["step_open_errors", "step_info"]
    assert shown[0] == 'step_open_errors{flow_id="f1",step_id="imp-1"} 0'


def test_where_no_record_was_read_the_breakdowns_are_absent(kit: ErrorsKit) -> None:
    kit.raise_errors("f1", "imp-1", 3)
    kit.client.always("flow_errors", ServerError("/v1/flows/{flowId}/errors", status=500))
    kit.collect()
    breakdowns = (
        "integration_open_errors_by_classification",
        "integration_open_errors_by_source",
        "integration_open_errors_by_age",
        "integration_open_errors_unassigned",
        "integration_open_errors_expiring",
        "open_errors_by_code",
        "step_open_errors",
        "step_info",
    )
    assert lines(built(kit), *breakdowns) == []
    assert lines(built(kit), "open_errors_sampled_ratio") == ["open_errors_sampled_ratio{} 0"]


def test_an_unreadable_integration_is_absent_not_zero(kit: ErrorsKit) -> None:
    kit.client.flow_homes["f9"] = "i9"
    kit.client.integration_ids.append("i9")
    error = ServerError("/v1/integrations/{integrationId}/errors", status=500)
    kit.client.faults["integration_errors"] = lambda name: error if name == "i9" else None
    kit.collect()
    assert not [line for line in lines(built(kit)) if "i9" in line or "f9" in line]


def test_no_content_of_a_record_is_in_any_label(kit: ErrorsKit) -> None:
    kit.raise_errors("f1", "imp-1", 1, code="mail jane@example.com", classification="jane@example.com", source="x y")
    kit.collect()
    assert not [line for line in lines(built(kit)) if "jane" in line or "x y" in line]


def test_both_blocks_together_are_section_five_of_the_catalogue_each_family_once(kit: ErrorsKit) -> None:
    kit.collect()
    made = [family.metric for family in (*built(kit), *resolved(kit))]
    assert len({metric.name for metric in made}) == len(made)
    begin = catalogue.CATALOGUE.index(catalogue.FLOW_OPEN_ERRORS)
    end = catalogue.CATALOGUE.index(catalogue.CONNECTION_INFO)
    assert set(made) == set(catalogue.CATALOGUE[begin:end])


def test_the_blocks_belong_to_the_errors_collector_and_building_it_twice_gives_the_same(kit: ErrorsKit) -> None:
    kit.collect()
    assert (OPEN_ERRORS_BLOCK.collector, OPEN_ERRORS_BLOCK.inputs) == ("errors", ("open_errors",))
    assert (RESOLVED_ERRORS_BLOCK.collector, RESOLVED_ERRORS_BLOCK.inputs) == ("errors", ("resolved_errors",))
    assert (built(kit), resolved(kit)) == (built(kit), resolved(kit))
