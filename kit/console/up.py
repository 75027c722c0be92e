"""``kit up``: a cluster in this terminal, which notebooks and other terminals use and none of them ends.

It is found like a service (`kit.service.Host`), so `kit doctor` shows it and `kit down` ends it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import time
from typing import Any

from kit.console import classroom, mistakes
from kit.console.classroom import Classroom
from kit.console.words import CommandLineError, Parser, fail, say

KIND = "up"
DEFAULT_PORT = 9092  # Kafka's own
_BACKENDS = ("embedded", "processes", "docker")
_WHERE_DATA_GOES = {
    "embedded": "goes with the cluster (--data DIR keeps it)",
    "processes": "goes with the cluster (--data DIR keeps it)",
    "docker": "goes with the containers",
}
_ENDING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")

_TEXT = """\
Run a Kafka cluster in this terminal, until Ctrl-C. Notebooks and programs come and go; it stays.
It prints the address to copy. Only this computer reaches it, unless you add --listen."""

_EXAMPLES = (
    ("kit up", "three brokers at 127.0.0.1:9092, 9093 and 9094; their data goes with them"),
    ("kit up --data kafka-data", "keeps topics, records and offsets in that folder for the next time"),
    ("kit up --brokers 1 --port 9192", "one broker beside another Kafka that has port 9092"),
    ("kit up --config num.partitions=6 --config log.retention.ms=60000", "with settings in Kafka's names"),
    ("kit up --listen 0.0.0.0", "also for a classroom: the other computers log in with the password that it asks for"),
    ("kit up --backend docker", "Apache Kafka in containers, with the same address"),
)


def parser() -> Parser:
    """What ``kit up`` understands."""
    made = Parser("kit up", _TEXT, _EXAMPLES)
    made.add_argument("--brokers", type=int, default=3, metavar="N", help="how many brokers (default: 3)")
    made.add_argument(
        "--controllers", type=int, choices=(1, 3), help="nodes of their own that only control (default: brokers do it)"
    )
    made.add_argument(
        "--port", type=int, default=DEFAULT_PORT, metavar="P",
        help=f"of the first broker, the others follow (default: {DEFAULT_PORT})",
    )  # fmt: skip
    made.add_argument(
        "--data", metavar="DIR", help="keep the data in this folder, and find it again there (not with docker)"
    )
    made.add_argument(
        "--config", action="append", default=[], metavar="NAME=VALUE", help="a broker setting; may be repeated"
    )
    made.add_argument("--backend", choices=_BACKENDS, default="embedded", help="what runs the brokers")
    made.add_argument("--image", help="of the containers, with --backend docker only")
    made.add_argument("--name", help="what `kit down` and `kit doctor` call it (default: up-PORT)")
    classroom.add_options(made)
    return made


def run(argv: list[str]) -> int:
    """Run a cluster until it is told to end; returns the exit status."""
    options = parser().parse(argv)
    mistakes.check(options)
    lesson = classroom.from_options(options)
    os.environ.pop(classroom.PASSWORD_VARIABLE, None)  # no process that this one starts needs it
    settings = _settings(options, lesson)

    from kit.console import ports
    from kit.errors import KitError
    from kit.service import clean
    from kit.service.host import EndRequest, Host, end_on, ignore

    host: Host | None = None
    try:
        end_on(*_ENDING)
        for name in clean():
            say(f"Removed what the crashed cluster {name} had left.")
        if lesson is not None:  # first, because it can tell that the command line makes no sense
            ports.check_listen(lesson.host, lesson.port, options.brokers)
        ports.check_free(options.port, options.brokers)
        begun_s = time.monotonic()
        host = Host(options.name or f"up-{options.port}", settings, kind=KIND)
        _show(host, options, lesson, (time.monotonic() - begun_s) * 1_000)
        host.run(_tell)
    except EndRequest as request:
        if host is None:
            return _interrupted(str(request))
    except KitError as error:
        return fail(mistakes.in_options(str(error)))
    finally:
        ignore(*_ENDING)
        if host is not None:
            _close(host)
    return 0


def _interrupted(signal_name: str) -> int:
    with contextlib.suppress(OSError):  # the terminal may be gone
        fail(f"Interrupted by {signal_name} before the cluster was ready; nothing of it runs any more.")
    return 128 + signal.Signals[signal_name]  # as shells report it


def _tell(text: str) -> None:
    with contextlib.suppress(OSError):
        say(f"{time.strftime('%H:%M:%S')}  {text}")


def _close(host: Any) -> None:
    with contextlib.suppress(OSError):  # the terminal may be gone
        say("Ending the cluster ...")
    host.close()
    with contextlib.suppress(OSError):
        say("Ended; nothing of it runs any more.")


def _settings(options: argparse.Namespace, lesson: Classroom | None) -> dict[str, Any]:
    """The keywords of `kit.start`, with listeners as dictionaries."""
    settings: dict[str, Any] = {
        "backend": options.backend,
        "brokers": options.brokers,
        "controllers": options.controllers,
        "data_dir": options.data,
        "config": _config(options),
        "image": options.image,
    }
    if lesson is None:
        return {**settings, "port": options.port}
    own = {"security_protocol": "PLAINTEXT", "host": "127.0.0.1", "port": options.port}
    return {**settings, "listeners": [own, lesson.listener()]}


def _config(options: argparse.Namespace) -> dict[str, Any]:
    from kit.backends.arguments import checked_config
    from kit.errors import StartError

    try:
        return checked_config(dict(map(_setting, options.config)), options.brokers)
    except StartError as error:
        raise CommandLineError(mistakes.in_options(str(error))) from error


def _setting(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise CommandLineError(f"--config {text} is no setting: write --config num.partitions=6.")
    return name.strip(), value.strip()


def _show(host: Any, options: argparse.Namespace, lesson: Classroom | None, took_ms: float) -> None:
    """Say where the cluster is, and how it is used and ended."""
    first = host.cluster.bootstrap_servers.split(",", maxsplit=1)[0]
    data = f"kept in {host.cluster.data_dir}" if options.data else _WHERE_DATA_GOES[options.backend]
    count = f"{options.brokers} broker{'s' if options.brokers != 1 else ''}"
    say(f"Kafka runs: {count}, {options.backend}, ready after {took_ms:.0f} ms.\n")
    say(f"  address      {first}")
    say(f'  in Python    cluster = kit.connect("{first}")')
    say(f'               producer = KafkaProducer(bootstrap_servers="{first}")')
    say(f"  in a shell   python -m kafka.admin -b {first} topics list")
    say(f"  all brokers  {host.cluster.bootstrap_servers}")
    say(f"  data         {data}\n")
    if lesson is not None:
        say(lesson.instructions(options.brokers) + "\n")
    say(f"To end it: Ctrl-C here, or `kit down {host.name}` in another terminal.")
