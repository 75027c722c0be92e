"""A missing real part skips a test on a laptop and fails it in CI."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import requirements


@pytest.fixture
def empty_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The search path for executables: one empty folder."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_need_skips_with_the_reason_in_words(empty_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine without the part, the skip says what is missing and how to get it."""
    monkeypatch.delenv("KIT_REQUIRE_ALL", raising=False)

    with pytest.raises(pytest.skip.Exception, match="needs kcat, which is not here: install the package `kcat`"):
        requirements.need("kcat")


def test_need_fails_when_all_parts_are_required(empty_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With KIT_REQUIRE_ALL=1 a part that went missing cannot pass for a green run."""
    monkeypatch.setenv("KIT_REQUIRE_ALL", "1")

    with pytest.raises(pytest.fail.Exception, match="needs java"):
        requirements.need("java")


def test_need_returns_where_the_part_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution counts when the tool that we call is in it."""
    tool = tmp_path / "bin" / "kafka-dump-log.sh"
    monkeypatch.setenv("KIT_KAFKA_DISTRIBUTION", str(tmp_path))
    tool.parent.mkdir()
    tool.touch()

    assert requirements.need("kafka-distribution") == str(tmp_path)


def test_need_refuses_an_unknown_part() -> None:
    """A slip in a part's name must not skip a test for ever."""
    with pytest.raises(KeyError):
        requirements.need("chromum")
