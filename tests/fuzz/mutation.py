"""Ways in which one input becomes another: by bytes and words, and by the tree of a JSON document."""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from random import Random
from typing import Any

Mutation = Callable[[bytes, Random, tuple[bytes, ...]], bytes]
"""Makes an input of another one, with these words at hand."""

_LARGE = 2000
"""A tree of more places is made smaller."""

_ODD = (b"\0", b"\xff", b"\xed\xa0\x80", b"\r\n", b"9" * 40, b"-1", b"1e999", b"\xe2\x80\xa8", b"%", b"\\", b'"')


def text(held: bytes, random: Random, words: tuple[bytes, ...]) -> bytes:
    """A few changes of bytes and words."""
    for _ in range(random.choice((1, 1, 2, 4))):
        held = _changed(held, random, words)
    return held


def document(held: bytes, random: Random, words: tuple[bytes, ...]) -> bytes:
    """A change in the tree of the JSON document behind the first byte; of bytes where there is none."""
    if random.random() < 0.2:
        return text(held, random, words)
    try:
        tree = json.loads(held[1:])
        for _ in range(random.choice((1, 1, 2, 5))):
            tree = _grown(tree, random, words)
        return held[:1] + written(tree, random)
    except (ValueError, RecursionError):
        return text(held, random, words)


def written(tree: Any, random: Random) -> bytes:
    """A document of the tree; now and then with a key twice, or with a number that has no end."""
    made = json.dumps(tree, ensure_ascii=random.random() < 0.5, allow_nan=True)
    encoded = made.encode("utf-8", "surrogatepass")
    if random.random() < 0.1:
        encoded = encoded.replace(b'{"', b'{"' + random.choice((b"_id", b"name", b"x")) + b'":1,"', 1)
    if random.random() < 0.05:
        encoded = encoded.replace(b"1", b"1" * random.choice((20, 400, 5000)), 1)
    return encoded


def _changed(held: bytes, random: Random, words: tuple[bytes, ...]) -> bytes:
    at = random.randint(0, len(held))
    to = min(len(held), at + random.choice((1, 1, 2, 8, 64)))
    match random.randrange(7):
        case 0:
            return held[:at] + bytes([random.randrange(256)]) + held[to:]
        case 1:
            return held[:at] + held[to:]
        case 2:
            return held[:at] + held[at:to] * random.choice((2, 3, 40)) + held[to:]
        case 3:
            return held[:at] + random.choice(_ODD) + held[at:]
        case 4:
            other = random.randint(0, len(held))
            return held[:at] + held[other : other + 40] + held[to:]
        case _:
            return held[:at] + random.choice(words or _ODD) + held[at if random.random() < 0.5 else to :]


_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 2**53, 2**53 + 1, 2**63, 2**64, 10**30, -(10**400 % 7), 1e308, float("nan")),
    *("", "\0", "\ud800", "\udfff x", "a" * 300, '\n"\\', "2026-08-30T09:15:02.114Z", "9999-12-31T23:59:59.999Z"),
    *("0001-01-01T00:00:00+14:00", "1969-12-31T23:59:59Z", "2026-02-30", "20260830T091502Z", "2026-W01-1", "12:00"),
    *("? */5 * ? * *", "? 0 0 29 2 *", "../..", "a/b", "64b2e1d3c5f6a70023bc45d2", "<script>", [], {}, [[]], [None]),
)


def _grown(tree: Any, random: Random, words: tuple[bytes, ...]) -> Any:
    places = list(_places(tree))
    if not places:
        return deepcopy(random.choice(_VALUES))
    holder, key = random.choice(places)
    if len(places) > _LARGE:
        # Copies of copies would have no end.
        del holder[key]
        return tree
    match random.randrange(8):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[_word(random, words)] = deepcopy(random.choice(_VALUES))
        case 1:
            holder.extend(deepcopy(holder[key]) for _ in range(random.choice((1, 3, 30))))
        case 2:
            for _ in range(random.choice((1, 5, 300))):
                holder[key] = [holder[key]] if random.random() < 0.5 else {"x": holder[key]}
        case 3:
            other, place = random.choice(places)
            holder[key] = deepcopy(other[place])
        case 4:
            holder[key] = _word(random, words)
        case 5 if isinstance(holder[key], str):
            cut = random.randint(0, len(holder[key]))
            holder[key] = (
                holder[key][:cut] + random.choice(("", "\ud83d", "é", "0", "-", "\0", "+14:00")) + holder[key][cut:]
            )
        case _:
            holder[key] = deepcopy(random.choice(_VALUES))
    return tree


def _word(random: Random, words: tuple[bytes, ...]) -> str:
    return random.choice(words).decode("utf-8", "replace") if words else "x"


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in the tree: what holds it, and its key there."""
    waiting = [tree]
    while waiting:
        each = waiting.pop()
        keys = list(each) if isinstance(each, dict) else range(len(each)) if isinstance(each, list) else ()
        for key in keys:
            yield each, key
            waiting.append(each[key])
