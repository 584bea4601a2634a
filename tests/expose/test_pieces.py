"""Pieces put together are one ordinary gzip member of their texts, whatever is in them and in whatever order."""

import gzip
import subprocess
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.expose.pieces import EMPTY, Piece, gzipped, joined, pack, plain

TEXTS = st.binary(max_size=300) | st.lists(st.sampled_from([b"celigo_up 1\n", b'x{id="a"} 2\n']), max_size=50).map(
    b"".join
)
SAMPLES = b"".join(b'celigo_flow_enabled{flow_id="%024x"} 1.0\n' % (number * 7919) for number in range(5_000))


@given(st.lists(TEXTS, max_size=8))
def test_pieces_make_one_gzip_member_of_their_texts(texts: list[bytes]) -> None:
    document = gzipped(pack(text) for text in texts)
    reader = zlib.decompressobj(wbits=31)
    assert reader.decompress(document) == b"".join(texts)
    assert (reader.eof, reader.unused_data) == (True, b"")
    assert gzip.decompress(document) == b"".join(texts)


@given(st.lists(TEXTS, max_size=8))
def test_pieces_are_unpacked_to_their_texts(texts: list[bytes]) -> None:
    assert plain(pack(text) for text in texts) == b"".join(texts)


@given(st.lists(TEXTS, max_size=8), st.integers(0, 8))
def test_joining_pieces_makes_no_difference_to_what_is_made_of_them(texts: list[bytes], cut: int) -> None:
    pieces = [pack(text) for text in texts]
    nested = joined([joined(pieces[:cut]), joined(pieces[cut:])])
    assert nested.text == b"".join(texts)
    assert nested.lines == b"".join(texts).count(b"\n")
    assert gzipped([nested]) == gzipped(pieces)


@given(st.permutations([b"one\n" * 50, b"two\n" * 50, b"one\ntwo\n" * 50]))
def test_a_piece_stands_anywhere_since_it_looks_back_at_no_other(texts: list[bytes]) -> None:
    assert gzip.decompress(gzipped(map(pack, texts))) == b"".join(texts)


def test_a_long_text_is_one_piece_and_small() -> None:
    piece = pack(SAMPLES)
    assert (piece.length, piece.lines, piece.text) == (len(SAMPLES), 5_000, SAMPLES)
    assert len(piece.data) < len(gzip.compress(SAMPLES, 5)) * 1.2


def test_the_gzip_of_the_system_reads_it(tmp_path: Path) -> None:
    packed = tmp_path / "document.gz"
    packed.write_bytes(gzipped([pack(SAMPLES), EMPTY, pack(b"# EOF\n")]))
    read = subprocess.run(["gzip", "-dc", packed], capture_output=True, check=True, timeout=30)
    assert read.stdout == SAMPLES + b"# EOF\n"
    subprocess.run(["gzip", "-t", packed], check=True, timeout=30)


def test_nothing_is_a_document_too() -> None:
    assert gzip.decompress(gzipped([])) == plain([]) == b""
    assert pack(b"") == joined([]) == EMPTY


def test_a_document_tells_no_time_and_no_system() -> None:
    assert gzipped([pack(b"a\n")])[:10] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


def test_of_one_piece_no_other_is_made() -> None:
    piece = pack(b"a\n")
    assert joined([piece]) is piece


@pytest.mark.parametrize(
    "damaged",
    [
        replace(pack(b"a\n" * 99), crc=1),
        replace(pack(b"a\n" * 99), length=197),
        replace(pack(b"a\n" * 99), length=199),
        replace(pack(b"a\n" * 99), data=pack(b"b\n" * 99).data),
        replace(pack(b"a\n" * 99), data=b""),
        replace(pack(b"a\n" * 99), data=b"\xff" * 20),
        replace(pack(SAMPLES), data=pack(SAMPLES).data[:100]),
    ],
    ids=["checksum", "shorter", "longer", "another", "none", "noise", "cut"],
)
def test_a_piece_that_was_damaged_is_told(damaged: Piece) -> None:
    with pytest.raises(ValueError, match="piece"):
        assert damaged.text


def test_a_piece_that_unpacks_to_more_than_it_says_takes_no_memory_for_it() -> None:
    bomb = replace(pack(b"\n" * 50_000_000), length=10)
    with pytest.raises(ValueError, match="piece"):
        assert bomb.text
