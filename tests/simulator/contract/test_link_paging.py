"""`Link` paging (contract 1.6 A): a foreign host, an opaque cursor, the end where the header is missing."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.simulator.contract.client import Api, next_link, path_and_query
from tests.simulator.contract.conftest import PAGE_SIZE

LISTS = ["/v1/integrations", "/v1/flows", "/v1/connections", "/v1/exports", "/v1/imports", "/v1/audit"]
SHORT_LISTS = ["/v1/agents", "/v1/licenses", "/v1/notifications?users=all"]


@pytest.mark.parametrize("path", [*LISTS, *SHORT_LISTS])
def test_pages_have_the_configured_size_and_only_the_last_is_shorter_and_none_repeats_a_row(
    path: str, api: Api
) -> None:
    pages = list(api.link_pages(path))
    ids = [row["_id"] for page in pages for row in page]
    assert len(ids) == len(set(ids))
    assert [len(page) for page in pages[:-1]] == [PAGE_SIZE] * (len(pages) - 1)
    assert 0 < len(pages[-1]) <= PAGE_SIZE


@pytest.mark.parametrize("path", LISTS[1:5])
def test_lists_of_the_sample_account_need_several_pages(path: str, api: Api) -> None:
    assert len(list(api.link_pages(path))) > 1


@pytest.mark.parametrize("path", LISTS[1:5])
def test_the_link_names_a_foreign_host_that_must_not_be_called(path: str, api: Api) -> None:
    link = next_link(api.call("GET", path))
    assert link is not None
    target = urlsplit(link)
    assert target.hostname
    assert target.netloc != urlsplit(api.url).netloc
    assert target.path == path


def test_the_cursor_is_opaque_and_not_an_offset(api: Api) -> None:
    link = next_link(api.call("GET", "/v1/flows"))
    query = parse_qs(urlsplit(str(link)).query)
    assert query["after"]
    assert not query["after"][0].isdigit()
    assert "skip" not in query
    assert "offset" not in query


def test_the_next_page_keeps_filter_and_projection_of_the_first(api: Api) -> None:
    for row in api.rows("/v1/flows", include="disabled", disabled="false"):
        assert set(row) == {"_id", "name", "disabled"}
        assert row["disabled"] is False


def test_the_projected_list_of_exports_stays_projected_on_later_pages(api: Api) -> None:
    pages = list(api.link_pages("/v1/exports", include="name,adaptorType,_connectionId"))
    assert len(pages) > 1
    assert all("lastModified" not in row for page in pages for row in page)


@pytest.mark.parametrize("limit", [1, 3, 1000])
def test_limit_is_obeyed_by_lists(limit: int, api: Api) -> None:
    total = len(api.rows("/v1/connections"))
    sizes = [len(page) for page in api.link_pages("/v1/connections", limit=limit)]
    assert sum(sizes) == total
    assert max(sizes) == min(limit, total)


def test_the_same_page_asked_twice_is_the_same(api: Api) -> None:
    link = path_and_query(str(next_link(api.call("GET", "/v1/flows"))))
    assert api.call("GET", link).json() == api.call("GET", link).json()


@pytest.mark.parametrize("cursor", ["", "x", "..%2F..", "%00", "9" * 400])
def test_a_cursor_that_was_never_given_is_no_server_error(cursor: str, api: Api) -> None:
    response = api.call("GET", f"/v1/flows?after={cursor}")
    assert response.status_code in {200, 204, 400}


@pytest.mark.parametrize("limit", ["0", "-1", "x", "", "1e3", "99999999999999999999"])
def test_a_limit_that_makes_no_sense_is_no_server_error(limit: str, api: Api) -> None:
    response = api.call("GET", "/v1/flows", params={"limit": limit})
    assert response.status_code in {200, 400}


def test_a_list_that_fits_one_page_has_no_link(api: Api) -> None:
    response = api.call("GET", "/v1/connections", params={"limit": 1000})
    assert next_link(response) is None
