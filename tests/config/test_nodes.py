"""The tree of a YAML text: values, lines, bounds."""

import pytest

from exporter.config import nodes
from exporter.config.nodes import DEPTH, NODES, ListNode, MapNode, Node, Scalar, compose
from exporter.config.problem import ConfigError


def tree(text: str) -> Node:
    node = compose(text, "f")
    assert node is not None
    return node


def plain(node: Node) -> object:
    """The tree without lines; scalars as (tag, text)."""
    match node:
        case Scalar():
            return (node.tag, node.text)
        case ListNode():
            return [plain(item) for item in node.items]
        case MapNode():
            return {key.text: plain(value) for key, value in node.entries}


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("a", "str"),
        ('"1"', "str"),
        ("'true'", "str"),
        ("1", "int"),
        ("0x1F", "int"),
        ("1.5", "float"),
        (".nan", "float"),
        ("true", "bool"),
        ("no", "bool"),
        ("null", "null"),
        ("~", "null"),
        ("2030-01-31", "timestamp"),
        ("!!str 1", "str"),
        ("! 1", "int"),
    ],
)
def test_a_scalar_keeps_its_text_and_what_yaml_takes_it_for(text: str, tag: str) -> None:
    assert plain(tree(text)) == (tag, text.split(" ")[-1].strip("\"'"))


def test_lists_and_mappings_nest() -> None:
    assert plain(tree("a: [1, {b: c}]\nd:")) == {"a": [("int", "1"), {"b": ("str", "c")}], "d": ("null", "")}


def test_every_node_knows_its_line() -> None:
    node = tree("# comment\na:\n  - b\n\n  - c: d\n")
    assert isinstance(node, MapNode)
    (key, items), *_ = node.entries
    assert (key.line, items.line) == (2, 3)
    assert isinstance(items, ListNode)
    assert [item.line for item in items.items] == [3, 5]


def test_keys_given_twice_are_kept_for_the_reader_to_refuse() -> None:
    node = tree("a: 1\na: 2\n")
    assert isinstance(node, MapNode)
    assert [key.text for key, _ in node.entries] == ["a", "a"]


@pytest.mark.parametrize("text", ["", "\n", "# comment\n"], ids=repr)
def test_a_text_without_a_document_has_no_tree(text: str) -> None:
    assert compose(text, "f") is None


def test_an_alias_is_the_node_of_its_anchor() -> None:
    assert plain(tree("a: &x [1]\nb: *x")) == {"a": [("int", "1")], "b": [("int", "1")]}


def test_aliases_count_with_what_they_expand_to() -> None:
    doubling = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    with pytest.raises(ConfigError, match=f"more than {NODES} values"):
        compose(doubling, "f")


def test_a_long_list_is_refused_before_it_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "NODES", 50)
    assert compose("- 1\n" * 49, "f")
    with pytest.raises(ConfigError, match="more than 50 values"):
        compose("- 1\n" * 51 + "- [", "f")


def test_nesting_up_to_the_bound_is_read_and_one_more_is_not() -> None:
    assert tree("[" * DEPTH + "]" * DEPTH)
    with pytest.raises(ConfigError, match=f"more than {DEPTH} levels"):
        compose("[" * (DEPTH + 1) + "]" * (DEPTH + 1), "f")


def test_a_thousand_brackets_are_refused_without_recursion() -> None:
    with pytest.raises(ConfigError, match="levels deep"):
        compose("[" * 100_000, "f")


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['true']",
        "a: !!python/name:os.system ''",
        "!own {a: b}",
        "- !own [1]",
        "!<tag:example.com,2030:x> a",
    ],
)
def test_no_tag_of_the_file_is_obeyed(text: str) -> None:
    with pytest.raises(ConfigError, match="tags are not supported"):
        compose(text, "f")


@pytest.mark.parametrize("token", ["prober-token-4f1c"])
@pytest.mark.parametrize(
    "text",
    ["a: *{}", "a: &{0} b\nc: &{0} d: e", "a: %{}", "a: !{}!x b", "a: [{}", 'a: "{}', "{}: a: b",
     "a: @{}",
     "a: `{}`", 'a: "\\{}"', "? {}\n? [", "a: |{}\n", "- a\n{}: b"],
    ids=repr,
)  # fmt: skip
def test_the_message_about_text_that_is_no_yaml_does_not_repeat_it(text: str, token: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compose(text.format(token), "f")
    assert token not in str(caught.value)
    assert "prober" not in str(caught.value)
