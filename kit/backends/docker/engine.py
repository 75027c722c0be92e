"""The Docker engine of this computer: finding it, and saying in words why there is none and what to do."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kit.errors import ClusterClosedError, KitError, StartError

_PROBE_TIMEOUT_S = 5
_TIMEOUT_S = 120  # a busy computer takes long to make a container
_SOCKET = "/var/run/docker.sock"
_LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}
_OTHERWISE = "Without it kit.start() gives the embedded cluster, which needs nothing."


def find() -> Any:
    """A client of the engine (the Docker SDK's), which has answered just now.

    Raises:
        StartError: there is none that can run our containers; the text says what to do.
    """
    try:
        from testcontainers.core.docker_client import DockerClient, get_docker_host
    except ImportError as error:
        raise StartError(
            f"Containers need the package testcontainers ({error}): install it with `pip install testcontainers`. "
            + _OTHERWISE
        ) from error
    address = get_docker_host() or ""  # what DOCKER_HOST or the chosen Docker context says
    if _is_elsewhere(address):
        raise StartError(
            f"The Docker engine is on another computer ({address}), where the brokers' ports would be open to that "
            f"computer only: unset DOCKER_HOST, or `docker context use default`. {_OTHERWISE}"
        )
    failed: tuple[type[Exception], ...] = (*failures(), ValueError)  # ValueError: DOCKER_HOST is no address
    try:
        _knock(address)
        client = DockerClient(timeout=_PROBE_TIMEOUT_S).client
        client.ping()
        system = client.version().get("Os", "linux")
    except failed as error:
        raise StartError(f"{why_not(error)} {_OTHERWISE}") from error
    _check_place(system)
    client.api.timeout = _TIMEOUT_S
    return client


def problem() -> str | None:
    """Why there is no engine that can run our containers, and what to do about it; None when there is one."""
    try:
        find().close()
    except StartError as error:
        return str(error)
    return None


def failures() -> tuple[type[Exception], ...]:
    """What the libraries raise when the engine refuses, or is not there."""
    import requests  # the Docker SDK's own way to the engine
    from docker.errors import DockerException

    return (DockerException, requests.exceptions.RequestException, OSError)


def explanation(error: Exception) -> str:
    """The engine's own words, without the address of the request and without a full stop."""
    text = getattr(error, "explanation", None) or str(error)
    return str(text).strip().rstrip(".")


def is_no_answer(error: Exception) -> bool:
    """Whether the engine did not answer at all; a refusal is an answer."""
    from docker.errors import APIError

    return not isinstance(error, APIError)


@contextlib.contextmanager
def refusals(doing: str, raised: type[KitError]) -> Iterator[None]:
    """Turn what the libraries raise into one sentence.

    Args:
        doing: what was tried, such as "Node 2 cannot be killed".
        raised: the error for a refusal.

    Raises:
        KitError: of the type ``raised``; `ClusterClosedError` when the engine does not answer.
    """
    try:
        yield
    except failures() as error:
        if is_no_answer(error):
            raise ClusterClosedError(
                f"{doing}: the Docker engine does not answer any more ({cause(error)})."
            ) from error
        raise raised(f"{doing}: {explanation(error)}.") from error


def cause(error: BaseException) -> str:
    """The innermost reason of an error that libraries have wrapped, in a few words."""
    found = _innermost(error)
    return (found.strerror if isinstance(found, OSError) and found.strerror else str(found)).rstrip(".")


def is_podman(client: Any) -> bool:
    """Whether Docker's language is spoken by podman."""
    components = client.version().get("Components") or []
    return any("podman" in str(component.get("Name", "")).lower() for component in components)


def _check_place(system: str) -> None:
    if system == "windows":
        raise StartError(
            "Docker runs Windows containers at the moment, and Apache Kafka's image is for Linux: choose "
            f'"Switch to Linux containers" in Docker Desktop\'s menu. {_OTHERWISE}'
        )


def _is_elsewhere(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme == "ssh" or (parts.scheme in ("tcp", "http", "https") and parts.hostname not in _LOCAL_HOSTS)


def _knock(address: str) -> None:
    """Connect to the engine's socket, if it has one here: the libraries hide why they cannot.

    Raises:
        OSError: nobody listens, or this user may not connect.
    """
    path = address.removeprefix("unix://") if address.startswith("unix://") else "" if address else _SOCKET
    if path and sys.platform != "win32":
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(_PROBE_TIMEOUT_S)
            probe.connect(path)


# -- why there is none -------------------------------------------------------------------------------------------


def why_not(error: BaseException, environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> str:
    """Why the engine does not answer, and what to do, in one or two sentences.

    Args:
        error: what the libraries raised.
    """
    found = _innermost(error)
    host = environment.get("DOCKER_HOST")
    hosted = _hosted(environment)
    if isinstance(found, PermissionError):
        return (
            "Docker is running, but you may not talk to it: put yourself into its group with "
            "`sudo usermod -aG docker $USER`, then log out and in again."
        )
    if hosted is not None:
        return hosted
    if host:
        return (
            f"No Docker engine answers at DOCKER_HOST={host} ({cause(error)}): start that engine, or unset DOCKER_HOST."
        )
    return _how_to_start(error, platform)


def _hosted(environment: Mapping[str, str]) -> str | None:
    if "BINDER_SERVICE_HOST" in environment or "BINDER_LAUNCH_HOST" in environment:
        return "Binder has no Docker: run the labs on your own computer to see containers."
    if "JUPYTERHUB_API_TOKEN" in environment:
        return (
            "This JupyterHub gives notebooks no Docker engine: ask who runs it for one, or run the labs on your own "
            "computer to see containers."
        )
    return None


def _how_to_start(error: BaseException, platform: str) -> str:
    if shutil.which("colima"):
        return "No Docker engine answers, but Colima is installed: start it with `colima start`."
    if shutil.which("docker") or _has_docker_desktop(platform):
        how = "`sudo systemctl start docker`, or open Docker Desktop if you have it"
        if platform in ("darwin", "win32"):
            how = "open Docker Desktop and wait until it says that its engine runs"
        return f"Docker is installed, but its engine does not answer ({cause(error)}): start it ({how})."
    if shutil.which("podman"):
        return (
            "Docker is not installed, but podman is, and can stand in for it: `systemctl --user start podman.socket` "
            "(on a Mac `podman machine start`), then set DOCKER_HOST to the address that "
            "`podman info --format '{{.Host.RemoteSocket.Path}}'` shows, with unix:// before it."
        )
    return (
        "Docker is not installed: install Docker Desktop, or on Linux the package docker.io or docker-ce, and start it."
    )


def _has_docker_desktop(platform: str) -> bool:
    places = {"darwin": "/Applications/Docker.app", "win32": r"C:\Program Files\Docker\Docker"}
    return platform in places and Path(places[platform]).exists()


def _innermost(error: BaseException) -> BaseException:
    """The error that began it: libraries chain theirs in three ways."""
    seen = [error]
    while True:
        here = seen[-1]
        inner = [here.__cause__, here.__context__, *here.args, getattr(here, "reason", None)]
        following = [each for each in inner if isinstance(each, BaseException) and each not in seen]
        if not following:
            break
        seen.append(following[0])
    known = [each for each in seen if isinstance(each, PermissionError | FileNotFoundError | ConnectionRefusedError)]
    systems = [each for each in seen if isinstance(each, OSError | socket.error) and each.strerror]
    return (known or systems or seen)[-1]
