"""The errors that runs of the sample account raise.

Codes are free text of the end application (contract 3.6): a few frequent ones, the
four of the troubleshooting guide among them, and a long tail. Messages and trace
keys hold invented personal data on purpose, so that a leak can be found by a test.
"""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """Source, code, classification (None = the field is absent) and message pattern."""

    source: str
    code: str
    classification: str | None
    message: str


ERROR_KINDS = (
    ErrorKind("application", "FIELD_VALIDATION_ERROR", "value", "Field email of {person} <{mail}> is not valid."),
    ErrorKind("application", "DUPLICATE_RECORD", "duplicate", "A customer {person} ({mail}) exists already."),
    ErrorKind("connection", "CONNECTION_ERROR", "connection", "The end system did not answer for {person}."),
    ErrorKind("lookup", "LOOKUP_NOT_FOUND", "missing", "No customer with e-mail {mail}, phone {phone}."),
    ErrorKind("application", "INVALID_KEY_OR_REF", "value", "Invalid customer reference {person}."),
    ErrorKind("application", "422", "value", "Unprocessable: address of {person}, phone {phone}."),
    ErrorKind("application", "429", "rate_limit", "Too many requests while sending {mail}."),
    ErrorKind("application", "SSS_REQUEST_LIMIT_EXCEEDED", "governance", "Concurrency limit met, record of {person}."),
    ErrorKind("application", "413", "too_large", "The record of {person} is too large."),
    ErrorKind("application", "503", "intermittent", "Service unavailable, {mail} was not stored."),
    ErrorKind("mapping", "mapping_error", "missing", "Mapping needs a value: billing name of {person}."),
    ErrorKind("transformation", "JSON_PARSE", "parse", "Unexpected token near {person}, {mail}."),
    ErrorKind("input_filter", "FILTER_SCRIPT", "", "Filter failed on {mail}."),
    ErrorKind("pre_map_hook", "TypeError", None, "Cannot read property of undefined ({person})."),
    ErrorKind("post_submit_hook_ss", "UNEXPECTED_ERROR", None, "Script ended early for {person}."),
    ErrorKind("resource", "REQUIRED_FIELD_MISSING", "missing", "Last name is missing: {mail}."),
    ErrorKind("quantum_gate", "QG-17", "entangled", "A source and a class nobody knows yet: {person}."),
)
RARE_CODES = 300
FAILED_RUN = 2

_FIRST = ("Jane", "Ravi", "Zoë", "Tomás", "Aiko", "Fatima", "Lars", "Chloé")
_LAST = ("Doe", "Patel", "Müller", "García", "Tanaka", "Haddad", "Nilsson", "O'Brien")


def draw_kind(draws: Random, favourites: tuple[int, ...]) -> ErrorKind:
    """Return one error kind: mostly the flow's usual ones, seldom a rare code."""
    chance = draws.random()
    if chance < 0.8:
        return ERROR_KINDS[favourites[int(draws.random() * len(favourites))]]
    if chance < 0.92:
        return ERROR_KINDS[draws.randrange(len(ERROR_KINDS))]
    return ErrorKind("application", f"E-{draws.randrange(RARE_CODES):04d}", "none", "Code unknown to us, {person}.")


def render_message(kind: ErrorKind, number: int) -> str:
    """Return the text with an invented person put in; the same number gives the same text."""
    first, last = _FIRST[number % 8], _LAST[number // 8 % 8]
    mail = f"{first}.{last}{number % 1000}@customer.example".lower()
    return kind.message.format(person=f"{first} {last}", mail=mail, phone=f"+1-555-{number % 10_000:04d}")


def render_assignee(number: int, assigned: bool | None = None) -> str | dict[str, str] | None:
    """Return who the error is assigned to: a user by id or as an object, both forms are allowed, or nobody.

    Mostly nobody, unless `assigned` says it.
    """
    if not (number % 11 == 0 or number % 13 == 0 if assigned is None else assigned):
        return "" if number % 17 == 0 else None
    if number % 11 == 0 or (number % 13 and number % 2):
        return f"5f1a2b3c4d5e6f70819{number % 5:05x}"
    first, last = _FIRST[number % 8], _LAST[number // 8 % 8]
    user_id, mail = f"5f1a2b3c4d5e6f70819{number % 7:05x}", f"{first}.{last}@staff.example".lower()
    return {"_id": user_id, "name": f"{first} {last}", "email": mail}


def render_trace_key(number: int) -> str:
    """Return a trace key; every third one is a person's address."""
    if number % 3 == 0:
        return f"buyer{number % 100_000}@customer.example"
    return f"SO-{number % 1_000_000}"
