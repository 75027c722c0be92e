"""Tries what `kit.start` can start here, and asks the clusters that run already."""

from __future__ import annotations

import os
import time
from typing import Any

from kit.cluster import Cluster, start
from kit.diagnosis.report import EMBEDDED, Finding
from kit.errors import KitError, StartError
from kit.service import Service, folder, running

SECTION = "Clusters that can be started"
RUNNING = "Clusters that run"
_DOCKER_PURPOSE = "Apache Kafka itself beside the embedded cluster; no lab needs it"
_SEND_TIMEOUT_S = 20.0
_TOPIC = "doctor"
_STARTS_KAFKA = "/etc/kafka/docker/run"  # the command of apache/kafka and apache/kafka-native


def look() -> list[Finding]:
    """The embedded cluster, a process for every broker, and Docker."""
    return [try_backend("embedded", EMBEDDED, 3), try_backend("processes", "broker processes", 1), *look_at_docker()]


def try_backend(backend: str, name: str, brokers: int) -> Finding:
    """Start a cluster for a moment, and store a record in it."""
    purpose = "kit.start()" if backend == "embedded" else f'kit.start("{backend}")'
    begun_s = time.monotonic()
    try:
        with start(backend, brokers=brokers) as cluster:
            took_ms = (time.monotonic() - begun_s) * 1_000
            trip_ms = _send_one(cluster)
    except Exception as error:  # noqa: BLE001 - whatever it is, it belongs into the report
        text = str(error) if isinstance(error, KitError) else f"{type(error).__name__}: {error}"
        return Finding(SECTION, name, "problem", text.strip().replace("\n", " | "), purpose)
    count = f"{brokers} broker{'s' if brokers > 1 else ''}"
    text = f"{purpose}: {count} ready after {took_ms:.0f} ms, the first record stored {trip_ms:.0f} ms later"
    return Finding(SECTION, name, "ok", text, purpose)


def _send_one(cluster: Cluster) -> float:
    """Send a record with the labs' client; returns how long that took, connecting included."""
    from kafka import KafkaProducer

    begun_s = time.monotonic()
    producer = KafkaProducer(**cluster.client_settings)
    try:
        producer.send(_TOPIC, b"say aah").get(_SEND_TIMEOUT_S)
    finally:
        producer.close()
    return (time.monotonic() - begun_s) * 1_000


def look_at_docker() -> list[Finding]:
    """The engine, and the images that it has."""
    try:
        from kit.backends.docker import engine
    except ImportError as error:
        return [Finding(SECTION, "Docker engine", "missing", f"the Docker library is missing ({error})")]
    problem = engine.problem()
    if problem is not None:
        return [Finding(SECTION, "Docker engine", "missing", problem, _DOCKER_PURPOSE)]
    client = engine.find()
    try:
        kind = "podman" if engine.is_podman(client) else "Docker"
        version = client.version().get("Version", "of unknown version")
        found = Finding(SECTION, "Docker engine", "ok", f'kit.start("docker"): {kind} {version}', _DOCKER_PURPOSE)
        return [found, *(look_at_image(client, wish) for wish in (None, "native"))]
    except engine.failures() as error:
        return [Finding(SECTION, "Docker engine", "problem", f"it does not answer any more ({engine.cause(error)})")]
    finally:
        client.close()


def look_at_image(client: Any, wish: str | None) -> Finding:
    """Whether the engine has an image, and whether it says that it starts Kafka; nothing is started from it.

    Args:
        client: of the engine.
        wish: as `kit.start` takes it; None for the one that containers are made from without a wish.
    """
    from docker.errors import APIError, ImageNotFound

    from kit.backends.docker import engine, image

    title = "image" if wish is None else f"{wish} image"
    purpose = 'kit.start("docker")' if wish is None else f'kit.start("docker", image="{wish}"), which starts faster'
    try:
        name = image.with_mirror(image.chosen(wish))
    except StartError as error:
        return Finding(SECTION, title, "problem", str(error), purpose, _unset(image.SETTING))
    try:
        config = client.images.get(name).attrs.get("Config") or {}
    except ImageNotFound:
        return Finding(SECTION, title, "missing", f"{name} is not here yet", purpose, f"docker pull {name}")
    except APIError as error:
        return Finding(SECTION, title, "problem", f"the engine refuses {name}: {engine.explanation(error)}", purpose)
    started = " ".join([*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())])
    if _STARTS_KAFKA not in started:
        text = f"{name} is here; it starts `{started or 'nothing'}` and not Kafka as Apache's images do, so it may fail"
        return Finding(SECTION, title, "note", text, purpose)
    return Finding(SECTION, title, "ok", f"{name} is here; no container was started from it", purpose)


def _unset(variable: str) -> str:
    return f"set {variable}=" if os.name == "nt" else f"unset {variable}"


def look_at_running() -> list[Finding]:
    """The clusters of `kit up` and of the practice CLI."""
    services = running()
    known = {each.name for each in services}
    unclear = [each for each in folder.names() if each not in known and folder.is_held(each)]
    found = [*map(_look_at_service, services), *map(_look_at_unclear, unclear)]
    return found or [Finding(RUNNING, "none", "note", "`kit up` starts one that outlives notebooks")]


def _look_at_unclear(name: str) -> Finding:
    where = folder.path_of(name, "json")
    text = f"it is just being started, or somebody damaged {where}, which it mends itself: look again in a moment"
    return Finding(RUNNING, name, "note", text)


def _look_at_service(service: Service) -> Finding:
    what = "kit up" if service.kind == "up" else service.kind
    text = f"{what}, process {service.pid}, {service.backend}, {service.bootstrap_servers}"
    end = f"kit down {service.name}"
    try:
        status = service.ask("status")
    except KitError as error:
        return Finding(RUNNING, service.name, "problem", str(error), command=end)
    dead = [str(each["node_id"]) for each in status["brokers"] if not each["is_alive"]]
    return Finding(RUNNING, service.name, "ok", text + (f"; down: broker {', '.join(dead)}" if dead else ""))
