"""While the API is slow, silent, refusing or away, scrapes and probes are answered all the same."""

from prometheus_client.parser import text_string_to_metric_families as parse_text

from tests.e2e.processes import until
from tests.serve.rig import TOKEN, Rig, rig


def names(text: str) -> set[str]:
    return {family.name for family in parse_text(text) if family.samples}


def test_a_hanging_collector_delays_a_scrape_no_longer_than_its_timeout_and_costs_only_itself() -> None:
    with rig() as exporter:
        exporter.upstream.hold("/v1/connections")
        first = exporter.scrape(timeout=2.0)
        assert "celigo_up" in names(first)
        assert 'collector_success{account="account-0",collector="connections"' not in first
        exporter.upstream.let_go()
        exporter.idle()
        assert 'collector_success{account="account-0",collector="connections"' in exporter.scrape()


def test_a_run_under_way_is_not_started_again_by_the_next_scrape() -> None:
    with rig() as exporter:
        exporter.upstream.hold("/v1/connections")
        exporter.scrape(timeout=1.0)
        exporter.upstream.arrived("/v1/connections")
        exporter.clock.advance(45)
        for _ in range(5):
            exporter.scrape(timeout=1.0)
        assert exporter.upstream.count("/v1/connections") == 1


def test_not_ready_before_the_first_collection_and_ready_after_it_without_asking() -> None:
    with rig() as exporter:
        assert exporter.get("/-/ready").status_code == 503
        assert exporter.get("/-/healthy").status_code == 200
        assert exporter.upstream.total == 0
        exporter.scrape()
        until(lambda: exporter.get("/-/ready").status_code == 200, "ready")
        exporter.idle()
        exporter.clock.advance(1000)
        asked = exporter.upstream.total
        for path in ("/-/ready", "/-/healthy", "/"):
            assert exporter.get(path).status_code == 200
        assert exporter.upstream.total == asked


def test_an_api_that_is_away_makes_the_exporter_tell_so_and_not_fail() -> None:
    with rig() as exporter:
        refuse(exporter, 503)
        text = exporter.scrape()
        assert "celigo_up{" in text
        assert value(text, "celigo_up") == 0
        assert exporter.get("/-/ready").status_code == 200
        assert exporter.get("/").status_code == 200


def refuse(exporter: Rig, status: int) -> None:
    for path in ("/v1/tokenInfo", "/v1/integrations", "/v1/flows", "/v1/connections", "/v1/jobs", "/v1/jobs/current"):
        exporter.upstream.answers[path] = (status, {"message": "no"})


def value(text: str, name: str) -> float:
    return next(sample.value for family in parse_text(text) for sample in family.samples if sample.name == name)


def test_one_account_that_hangs_does_not_keep_another_from_being_served() -> None:
    with rig(accounts=2) as exporter:
        exporter.upstreams[0].hold("/v1/tokenInfo")
        text = exporter.scrape(timeout=2.0)
        assert 'celigo_up{account="account-1",environment="production"} 1.0' in text
        assert 'celigo_up{account="account-0"' not in text


def test_the_page_tells_cause_and_remedy_and_never_the_token() -> None:
    with rig() as exporter:
        refuse(exporter, 401)
        exporter.scrape()
        exporter.idle()
        page = exporter.get("/").text
        assert "down" in page
        assert "wrong, expired, revoked" in page
        assert "compare the token in variable T" in page
        assert TOKEN not in page
        assert TOKEN not in exporter.scrape()
