"""Label values that somebody else chose, in the rendered text: what prometheus-client reads from it is what went in."""

from exporter.expose.families import Family, Metric, Scope, Value
from exporter.expose.render import Format, header, lines
from tests.expose.kit import parsed_families
from tests.fuzz.target import Target, require

METRIC = Metric("celigo_thing_info", "gauge", "A thing.", "nowhere", ("zebra", "flow_name", "ant"))


def check(held: bytes) -> None:
    """Values are split at a byte that no UTF-8 has; with others it is one value."""
    texts = [part.decode("utf-8", "surrogateescape") for part in held.split(b"\xfe")]
    keys: dict[tuple[str, ...], Value] = {
        (first, second, str(place)): float(place)
        for place, (first, second) in enumerate(zip(texts, reversed(texts), strict=True))
    }
    scope = Scope(texts[0], texts[-1])
    family = Family(METRIC, keys)
    wanted = {
        (*(_shown(text) for text in key), _shown(scope.account), _shown(scope.environment)): value
        for key, value in keys.items()
    }
    for fmt in Format:
        document = (header(METRIC, fmt) + lines(family, scope) + fmt.end).decode()
        require(document.count("\n") == len(keys) + 2 + fmt.end.count(b"\n"), "a value that begins a line of its own")
        (read,) = parsed_families(document, fmt)
        found = {
            tuple(sample.labels[name] for name in (*METRIC.labels, "account", "environment")): sample.value
            for sample in read.samples
        }
        require(found == wanted, f"{fmt.name}: {wanted} reads as {found}")


def _shown(text: str) -> str:
    """What cannot be encoded is shown as a question mark."""
    return text.encode("utf-8", "replace").decode()


TARGET = Target(
    "labels",
    "whatever a flow is called, the document has one line for each series, and reads back as what went in",
    check,
    words=(
        *(
            b"\\",
            b'"',
            b"\n",
            b"\r\n",
            b"\\n",
            b'\\"',
            b"%s",
            b"%",
            b"{",
            b"}",
            b",",
            b"=",
            b"# EOF\n",
            b"# HELP x\n",
            b"\xfe",
        ),
        *(
            b"\xe2\x80\xa8",
            b"\xc2\x85",
            b"\x0b",
            b"\x0c",
            b"\x1c",
            b"\0",
            b"\xed\xa0\x80",
            b"\xf0\x9f\x98\x80",
            b"<script>",
        ),
        *(b'"} 1\nceligo_up{account="', b' # {a="b"} 1', b"\xef\xbb\xbf", b"a" * 70),
    ),
    longest=2048,
)
