"""All families of a block in one go, those among them that are rendered row by row."""

from collections.abc import Mapping
from typing import Any

from exporter.collect.base import Block
from exporter.expose.catalogue import CATALOGUE
from exporter.expose.families import Family


def built(block: Block, views: Mapping[str, Any]) -> list[Family]:
    families = [*block.build(views)]
    if block.each is None:
        return families
    families += block.each.build(block.each.rows(views))
    return sorted(families, key=lambda family: CATALOGUE.index(family.metric))
