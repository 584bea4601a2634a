"""The page's HTML as a test reads it: texts of tables, tiles and notices."""

import html
import re
from collections.abc import Mapping, Sequence

UNKNOWN = "\N{EN DASH}"
"""What stands where a number is not known."""

_TAG = re.compile(r"<[^>]+>")


def text(fragment: str) -> str:
    """What a person reads, without the signs that go with the words."""
    unsigned = re.sub(r'<span class="sign" aria-hidden="true">.</span>', "", fragment)
    return " ".join(html.unescape(_TAG.sub(" ", unsigned)).split())


def table(page: str, name: str) -> Mapping[str, Sequence[str]]:
    """Texts of the cells of a table by the first of each row; empty when the table has no row."""
    start = page.index(f'<div class="table" id="{name}">')
    body = page[start:].split("</div>", 1)[0]
    found = {}
    for row in body.split("<tbody", 1)[-1].split("<tr ")[1:]:
        cells = [text("<" + cell) for cell in re.split(r"<(?=t[dh] )", row)[1:]]
        found[cells[0]] = cells[1:]
    return found


def tiles(page: str) -> Mapping[str, str]:
    """Value and note of each figure by its label."""
    return {text(label): text(value) for label, value in re.findall(r"<dt>(.*?)</dt>\s*<dd>(.*?)</dd>", page, re.S)}


def notices(page: str) -> Sequence[str]:
    """What is wrong, and what to do."""
    return [text(item) for item in re.findall(r'<li class="notice .*?</li>', page, re.S)]


def links(page: str) -> Sequence[str]:
    """Where links lead."""
    return [html.unescape(target) for target in re.findall(r'<a[^>]* href="([^"]*)"', page)]
