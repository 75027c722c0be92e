"""Which image the containers are made from, and getting it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Any

from kit.backends.docker import engine
from kit.backends.docker.progress import Progress
from kit.errors import StartError

VERSION = "4.3.1"
SETTING = "KIT_KAFKA_IMAGE"
_REPOSITORY = "apache/kafka"
_NATIVE = "native"
# Registry and repository are in small letters, a tag may have capitals. Source: the distribution specification's names.
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._/-]|:[0-9]+/)*(?::\w[\w.-]*)?(?:@[a-z0-9]+:[0-9a-f]+)?", re.ASCII)
_MB = 1_000_000


def chosen(image: object) -> str:
    """The image's name with its tag.

    Args:
        image: a name with or without a tag, "native" for Apache's native image, a version such as "4.2.0", or None for
            the environment's ``KIT_KAFKA_IMAGE``, and else the kit's pinned version.

    Raises:
        StartError: it is no name.
    """
    setting = os.environ.get(SETTING) if image is None else None
    wish = setting or f"{_REPOSITORY}:{VERSION}" if image is None else image
    if not isinstance(wish, str) or not _NAME.fullmatch(wish):
        source, otherwise = ("image", "leave image out") if setting is None else (SETTING, f"unset {SETTING}")
        what = f"{source}={wish!r} is not an image's name{_capitals(wish)}"
        raise StartError(f'{what}: try "{_REPOSITORY}:{VERSION}", or {otherwise}.')
    if wish == _NATIVE:
        return f"{_REPOSITORY}-native:{VERSION}"
    if wish[0].isdigit() and "/" not in wish and ":" not in wish:
        return f"{_REPOSITORY}:{wish}"
    has_tag = ":" in wish.rpartition("/")[2] or "@" in wish
    return wish if has_tag else f"{wish}:latest"


def _capitals(wish: object) -> str:
    has_name = isinstance(wish, str) and _NAME.fullmatch(wish.lower()) is not None
    return " (capitals may only be in its tag)" if has_name else ""


def get(client: Any, name: str, progress: Progress) -> None:
    """Make sure that the engine has the image: pull it unless it is there.

    Args:
        name: with its tag. A mirror that Testcontainers' settings put in front of every name is used here too.

    Raises:
        StartError: it cannot be had; the text says why and what to try.
    """
    from docker.errors import ImageNotFound

    full_name = with_mirror(name)
    try:
        client.images.get(full_name)
    except ImageNotFound:
        _pull(client, full_name, progress)
    except engine.failures() as error:
        raise StartError(
            f"The Docker engine cannot look for the image {full_name}: {engine.explanation(error)}."
        ) from error


def volumes(client: Any, name: str) -> list[str]:
    """The folders of an image that the engine has, for each of which it would make a volume that nobody finds again.

    Raises:
        StartError: the engine does not tell.
    """
    full_name = with_mirror(name)
    with engine.refusals(f"The image {full_name} cannot be looked at", StartError):
        return sorted(client.images.get(full_name).attrs["Config"].get("Volumes") or {})


def with_mirror(name: str) -> str:
    """The name under which Testcontainers looks for an image."""
    from testcontainers.core.config import testcontainers_config

    return f"{testcontainers_config.hub_image_name_prefix}{name}"


def _pull(client: Any, name: str, progress: Progress) -> None:
    progress.say(f"Pulling the image {name}, once ...")
    try:
        for text in pulled(client.api.pull(name, stream=True, decode=True)):
            progress.say(f"Pulling the image {name}, once: {text}")
    except _PullError as error:
        raise StartError(refusal(name, str(error))) from error
    except engine.failures() as error:
        raise StartError(refusal(name, engine.explanation(error))) from error


class _PullError(Exception):
    """What the engine says in the middle of a pull."""


def pulled(messages: Iterable[dict[str, Any]]) -> Iterable[str]:
    """How far a pull has come, from what the engine says about each layer."""
    sizes: dict[str, tuple[int, int]] = {}
    for message in messages:
        if "error" in message:
            raise _PullError(str(message["error"]))
        detail = message.get("progressDetail") or {}
        if message.get("status") == "Downloading" and detail.get("total"):
            sizes[message["id"]] = detail["current"], detail["total"]
        elif message.get("status") == "Download complete" and message["id"] in sizes:
            total = sizes[message["id"]][1]
            sizes[message["id"]] = total, total
        if sizes:
            done, total = (sum(column) / _MB for column in zip(*sizes.values(), strict=True))
            yield f"{done:.0f} of {total:.0f} MB"


_REASONS = (
    (
        ("no space left",),
        "its disk is full; `docker system df` shows what fills it, `docker system prune` removes what is unused",
    ),
    (
        ("toomanyrequests", "rate limit"),
        "the registry wants no more anonymous pulls from this network for now; wait, or `docker login` first",
    ),
    (
        ("not found", "manifest unknown", "does not exist", "access denied", "invalid reference"),
        "there is none of that name; {otherwise}",
    ),
    (
        ("no such host", "timeout", "refused", "unreachable", "temporary failure", "tls", "x509", "eof", "lookup"),
        "the registry cannot be reached; go online for this one time, or load the image from a file with `docker load`",
    ),
)


def refusal(name: str, said: str) -> str:
    """Why an image cannot be pulled, and what to try.

    Args:
        said: the engine's words.
    """
    lower = said.lower()
    otherwise = f'try image="{_REPOSITORY}:{VERSION}", or leave image out'
    if os.environ.get(SETTING) and name.endswith(chosen(None)):
        otherwise = f"the environment's {SETTING} names it: unset it, or name another one there"
    for words, reason in _REASONS:
        if any(word in lower for word in words):
            why = reason.replace("{otherwise}", otherwise)
            return f"The image {name} cannot be pulled: {why}. kit.start() works without it. (The engine says: {said})"
    return f"The image {name} cannot be pulled: {said}. kit.start() works without it."
