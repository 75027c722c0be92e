"""Which image is meant, how far its pull has come, and why it cannot be had."""

from __future__ import annotations

import io

import pytest

from kit.backends.docker import image
from kit.backends.docker.progress import Progress
from kit.errors import StartError


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (None, "apache/kafka:4.3.1"),
        ("native", "apache/kafka-native:4.3.1"),
        ("4.2.0", "apache/kafka:4.2.0"),
        ("apache/kafka", "apache/kafka:latest"),
        ("mirror.example:5000/apache/kafka", "mirror.example:5000/apache/kafka:latest"),
        ("mirror.example:5000/apache/kafka:4.3.1", "mirror.example:5000/apache/kafka:4.3.1"),
        ("apache/kafka@sha256:00", "apache/kafka@sha256:00"),
    ],
)
def test_image_is_named_in_full(monkeypatch: pytest.MonkeyPatch, wish: str | None, expected: str) -> None:
    """A version, "native" or any name; nothing means the pinned one."""
    monkeypatch.delenv(image.SETTING, raising=False)

    assert image.chosen(wish) == expected


def test_image_of_the_environment_is_taken_when_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A classroom sets it once for every notebook."""
    monkeypatch.setenv(image.SETTING, "mirror.example/kafka:4.3.0")

    assert image.chosen(None) == "mirror.example/kafka:4.3.0"
    assert image.chosen("4.2.0") == "apache/kafka:4.2.0"


@pytest.mark.parametrize("wish", ["", " ", "Kafka", "a b", "apache/Kafka:4.3.1", "apache/kafka:", 7, True])
def test_image_that_is_no_name_is_refused(wish: object) -> None:
    """Before the engine is asked anything."""
    with pytest.raises(StartError, match="is not an image's name"):
        image.chosen(wish)


def test_variable_that_holds_no_name_is_told_by_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody finds the mistake in a notebook where it is not written."""
    monkeypatch.setenv(image.SETTING, "Not An Image")

    with pytest.raises(StartError, match=r"^KIT_KAFKA_IMAGE='Not An Image' is not .*, or unset KIT_KAFKA_IMAGE\.$"):
        image.chosen(None)
    with pytest.raises(StartError, match=r"^image='Nor This' is not .* leave image out"):
        image.chosen("Nor This")


def test_capitals_are_told_as_the_reason() -> None:
    """They are for tags only; the engine would say so in words about references."""
    with pytest.raises(StartError, match="capitals may only be in its tag"):
        image.chosen("Apache/Kafka:4.3.1")

    assert image.chosen("apache/kafka:4.3.1-RC0") == "apache/kafka:4.3.1-RC0"


def test_refused_pull_of_the_environments_image_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaving image out is what its reader has done already."""
    monkeypatch.setenv(image.SETTING, "mirror.example/kafka:4")
    text = image.refusal("mirror.example/kafka:4", "manifest unknown")

    assert "KIT_KAFKA_IMAGE names it: unset it" in text
    assert "leave image out" not in text


def test_pull_is_told_in_megabytes() -> None:
    """All layers that are known so far together."""
    messages = [
        {"status": "Pulling from apache/kafka", "id": "4.3.1"},
        {"status": "Downloading", "id": "a", "progressDetail": {"current": 1_000_000, "total": 10_000_000}},
        {"status": "Downloading", "id": "b", "progressDetail": {"current": 5_000_000, "total": 30_000_000}},
        {"status": "Download complete", "id": "a", "progressDetail": {}},
    ]

    assert list(image.pulled(messages)) == ["1 of 10 MB", "6 of 40 MB", "15 of 40 MB"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("write /var/lib/docker/tmp/x: no space left on device", "`docker system prune`"),
        ("toomanyrequests: You have reached your pull rate limit", "`docker login`"),
        ("manifest for apache/kafka:9 not found: manifest unknown", 'try image="apache/kafka:4.3.1"'),
        ("dial tcp: lookup registry.example: no such host", "`docker load`"),
        ("something new", "something new"),
    ],
)
def test_refused_pull_says_what_to_try(said: str, expected: str) -> None:
    """The engine's words are kept for who can use them."""
    text = image.refusal("apache/kafka:9", said)

    assert text.startswith("The image apache/kafka:9 cannot be pulled: ")
    assert expected in text
    assert said in text


def test_progress_replaces_its_line_and_says_nothing_twice() -> None:
    """A longer text leaves nothing behind when a shorter one follows."""
    stream = io.StringIO()
    progress = Progress(stream)
    for text in ("a long text", "a long text", "short"):
        progress.say(text)
    progress.done("end")

    assert stream.getvalue() == "\ra long text\rshort      \rend  \n"


def test_progress_is_silent_where_nobody_looks(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """In a script whose output goes to a file, and when it was told so."""
    for wish in ("", "0"):
        monkeypatch.setenv("KIT_START_LINE", wish)
        Progress().done("nobody sees it")

    assert capfd.readouterr() == ("", "")


def test_what_was_removed_is_told_everywhere_but_where_silence_is_wanted(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Into the log of a script, whose author finds there what became of the containers of a crashed one."""
    for wish in ("", "0"):
        monkeypatch.setenv("KIT_START_LINE", wish)
        Progress().tell(f"removed, {wish or 'told'}")

    assert capfd.readouterr() == ("", "removed, told\n")
