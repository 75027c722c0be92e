"""Which nodes a folder was begun with."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.broker.layout import QUORUM_FILE, LayoutError, recorded_voters


def test_folder_keeps_the_quorum_that_it_was_begun_with(tmp_path: Path) -> None:
    """Whatever is wanted later; who asks for another one is refused."""
    assert recorded_voters(tmp_path, [1, 2, 3], is_chosen=False) == [1, 2, 3]
    assert recorded_voters(tmp_path, [1], is_chosen=False) == [1, 2, 3]
    with pytest.raises(LayoutError, match=r"begun with the controllers 1, 2, 3.*leave out controllers="):
        recorded_voters(tmp_path, [101], is_chosen=True)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[1, 2, 3]", b"{}", b'{"voters": []}', b'{"voters": ["1"]}', b'{"voters": [true]}', b"\xff", b"null"],
)
def test_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    """In one sentence, with what belongs there; the file stays as it is."""
    (tmp_path / QUORUM_FILE).write_bytes(content)
    with pytest.raises(LayoutError, match=r"quorum.json is damaged.*voters"):
        recorded_voters(tmp_path, [1, 2, 3], is_chosen=False)
    assert (tmp_path / QUORUM_FILE).read_bytes() == content
