"""A token cannot be seen by accident, whatever prints it."""

import copy
import dataclasses
import io
import json
import logging
import pickle
import pprint
import traceback
from collections.abc import Callable

import msgspec
import pytest

from exporter.secret import Secret

VALUE = "prober-token-4f1c"
OTHER = "other-token"


@dataclasses.dataclass
class Holder:
    """Something that holds a token."""

    name: str
    token: Secret


PRINTERS: dict[str, Callable[[Secret], str]] = {
    "repr": repr,
    "str": str,
    "format": lambda secret: f"{secret}",
    "format with a width": lambda secret: f"{secret:>40}",
    "format with repr": lambda secret: f"{secret!r}",
    "format with ascii": lambda secret: f"{secret!a}",
    "str.format": lambda secret: "{}".format(secret),  # noqa: UP032 - the way under test
    "percent": lambda secret: "%s %r" % (secret, secret),  # noqa: UP031 - the way under test
    "in a list": lambda secret: str([secret]),
    "in a dictionary": lambda secret: repr({"token": secret}),
    "as a key": lambda secret: repr({secret: 1}),
    "pprint": lambda secret: pprint.pformat({"token": secret}),
    "dataclass": lambda secret: repr(Holder("acme", secret)),
    "json with default": lambda secret: json.dumps({"token": secret}, default=str),
    "exception": lambda secret: "".join(traceback.format_exception(ValueError(secret))),
    "exception repr": lambda secret: repr(ValueError("no", secret)),
    "its directory": lambda secret: str(dir(secret)),
}


@pytest.mark.parametrize("printer", PRINTERS.values(), ids=PRINTERS.keys())
def test_no_way_of_printing_shows_the_value(printer: Callable[[Secret], str]) -> None:
    assert VALUE not in printer(Secret(VALUE))


@pytest.mark.parametrize("printer", [repr, str, "{:>30}".format], ids=["repr", "str", "format"])
def test_a_printed_secret_does_not_tell_its_length(printer: Callable[[Secret], str]) -> None:
    assert printer(Secret("a")) == printer(Secret("a" * 500))


def test_a_traceback_with_local_variables_does_not_show_the_value() -> None:
    def fail(token: Secret) -> None:
        raise RuntimeError(f"cannot use {token}")

    try:
        fail(Secret(VALUE))
    except RuntimeError as failure:
        text = "".join(traceback.TracebackException.from_exception(failure, capture_locals=True).format())
    assert "cannot use ***" in text
    assert VALUE not in text


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_secret_cannot_be_pickled(protocol: int) -> None:
    with pytest.raises(TypeError) as caught:
        pickle.dumps(Secret(VALUE), protocol=protocol)
    assert VALUE not in str(caught.value)


def test_an_object_that_holds_one_cannot_be_pickled_either() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Holder("acme", Secret(VALUE)))


@pytest.mark.parametrize("encode", [json.dumps, msgspec.json.encode, msgspec.to_builtins], ids=["json", "msgspec", "b"])
def test_no_encoder_takes_a_secret(encode: Callable[[object], object]) -> None:
    with pytest.raises(TypeError) as caught:
        encode({"token": Secret(VALUE)})
    assert VALUE not in str(caught.value)


def test_logging_a_secret_prints_stars() -> None:
    stream = io.StringIO()
    logger = logging.getLogger("tests.api.secret")
    handler = logging.StreamHandler(stream)
    logger.addHandler(handler)
    try:
        logger.warning("token %s, also %r", Secret(VALUE), Secret(VALUE))
    finally:
        logger.removeHandler(handler)
    assert stream.getvalue() == "token ***, also Secret('***')\n"


def test_the_value_is_no_attribute_that_vars_shows() -> None:
    with pytest.raises(TypeError):
        vars(Secret(VALUE))


def test_reveal_gives_the_value() -> None:
    assert Secret(VALUE).reveal() == VALUE


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [(VALUE, VALUE, True), (VALUE, OTHER, False), ("", "", True), ("ü", "ü", True), ("ü", "u", False)],
    ids=["same", "other", "empty", "not ascii", "nearly"],
)
def test_two_secrets_are_equal_when_their_values_are(left: str, right: str, same: bool) -> None:
    assert (Secret(left) == Secret(right)) is same
    assert (hash(Secret(left)) == hash(Secret(right))) is same


def test_a_secret_is_never_equal_to_its_plain_value() -> None:
    assert Secret(VALUE) != VALUE


def test_an_empty_secret_is_false_and_any_other_true() -> None:
    assert not Secret("")
    assert Secret("0")


def test_the_hash_is_not_the_one_of_the_plain_value() -> None:
    assert hash(Secret(VALUE)) != hash(VALUE)


def test_a_copy_is_refused_rather_than_made_through_serialising() -> None:
    with pytest.raises(TypeError):
        copy.copy(Secret(VALUE))


def test_turning_its_holder_into_plain_data_is_refused() -> None:
    with pytest.raises(TypeError):
        dataclasses.asdict(Holder("acme", Secret(VALUE)))
