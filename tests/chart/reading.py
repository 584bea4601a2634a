"""YAML as a cluster reads it: a key that stands twice is an error, not the last one."""

from collections.abc import Hashable, Iterator
from typing import Any

import yaml


class Twice(Exception):
    """A mapping has a key twice."""


class _Loader(yaml.CSafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value]
        if len(set(keys)) < len(keys):
            raise Twice(f"{sorted(keys)}{node.start_mark}")
        return super().construct_mapping(node, deep)


for _tag in ("value", "merge"):  # as text, = and << are only text to a cluster
    yaml.add_constructor(f"tag:yaml.org,2002:{_tag}", lambda _, node: node.value, _Loader)


def documents(text: str) -> Iterator[dict[str, Any]]:
    """Every document that is not empty. Raises Twice, yaml.YAMLError."""
    for document in yaml.load_all(text, _Loader):
        if document is not None:
            assert isinstance(document, dict), f"not an object: {document!r}"
            yield document
