"""All families of a block in one go, those among them that are rendered row by row."""

from collections.abc import Mapping
from typing import Any

from exporter.collect.base import Block
from exporter.expose.catalogue import CATALOGUE
from exporter.expose.families import Family
from exporter.expose.groups import rows_of


def built(block: Block, views: Mapping[str, Any]) -> list[Family]:
    families = [*block.build(views)]
    for each in block.each:
        families += each.build(rows_of(each, each.facts(views)))
    return sorted(families, key=lambda family: CATALOGUE.index(family.metric)) if block.each else families
