"""kafka-python's own integration tests: fetched from its source distribution and run against a bare address."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tarfile
from pathlib import Path
from xml.etree import ElementTree as ET

# The suite's fixtures import this module, which the source distribution lacks. With an address given, nothing is
# started or stopped; a case that wants a broker of its own must fail rather than wait.
SERVICE_STAND_IN = '''\
class ExternalService:
    """The broker at KAFKA_URI: it was there before and stays."""

    def __init__(self, host, port):
        self.host, self.port = host, port

    def stop(self):
        pass

    def dump_logs(self):
        pass


class SpawnedService:
    """A broker that a case would start itself."""

    def __init__(self, *args):
        raise RuntimeError("only the broker at KAFKA_URI is there")
'''
CASE_TIMEOUT_S = 30  # the slowest that passes takes 1.5 s on a quiet computer
SUITE_TIMEOUT_S = 200


class NoSuite(Exception):
    """The suite could not be fetched, or did not run."""


def fetch_suite(folder: Path, version: str) -> Path:
    """Lay out the suite of one kafka-python version in a folder, unless it is there already.

    The package itself stays out: the tests import the kafka-python that is installed.

    Raises:
        NoSuite: the package registry did not give the source distribution.
    """
    suite = folder / f"kafka-python-{version}"
    if (suite / "pytest.ini").exists():
        return suite
    options = ("--quiet", "--no-binary", ":all:", "--no-deps", "--dest", str(folder))
    command = (sys.executable, "-m", "pip", "download", *options, f"kafka-python=={version}")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NoSuite(f"pip could not download the source of kafka-python {version}: {done.stderr.strip()[-500:]}")
    (sdist,) = folder.glob("kafka[_-]python-*.tar.gz")
    with tarfile.open(sdist) as archive:
        for member in archive.getmembers():
            _, _, inside = member.name.partition("/")
            if inside.startswith("test/") and member.isfile():
                target = suite / inside
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.extractfile(member).read())  # type: ignore[union-attr]
    sdist.unlink()
    (suite / "test" / "__init__.py").touch()  # without it, `test` would be the standard library's
    (suite / "test" / "service.py").write_text(SERVICE_STAND_IN, encoding="utf-8")
    (suite / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")  # last: it says that all is there
    return suite


def run_suite(suite: Path, address: str, kafka_version: str, report: Path) -> dict[str, str]:
    """Run every case once against the broker at an address.

    Args:
        suite: folder from `fetch_suite`.
        address: ``host:port``.
        kafka_version: which version the broker speaks, ``4.3.0``; the suite chooses its requests by it.
        report: where pytest writes its JUnit file.

    Returns:
        Per case (``module::name``) the empty string if it passed, else how it ended, with the traceback.

    Raises:
        NoSuite: pytest did not get as far as a report.
    """
    timeout_method = "signal" if hasattr(signal, "SIGALRM") else "thread"  # a thread would end the whole run
    options = ("-q", "-p", "no:cacheprovider", "--tb=short", f"--junitxml={report}", "-o", "addopts=")
    timeouts = (
        f"--timeout={CASE_TIMEOUT_S}",
        f"--timeout-method={timeout_method}",
        f"--session-timeout={SUITE_TIMEOUT_S}",
    )
    environment = os.environ | {
        "KAFKA_URI": f"kafka://{address}",
        "KAFKA_VERSION": kafka_version,
        "KAFKA_ROOT": str(suite),  # must be a folder; nothing in it is used
        "PYTHONPATH": str(suite),
    }
    command = (sys.executable, "-m", "pytest", "test/integration", *options, *timeouts)
    done = subprocess.run(
        command,
        cwd=suite,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=SUITE_TIMEOUT_S + CASE_TIMEOUT_S,
    )
    if not report.exists():
        raise NoSuite(f"pytest ended with status {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")
    return _outcomes(report)


def _outcomes(report: Path) -> dict[str, str]:
    outcomes: dict[str, str] = {}
    for case in ET.parse(report).iter("testcase"):
        name = f"{case.get('classname', '').removeprefix('test.integration.')}::{case.get('name')}"
        ended = [
            f"{part.tag}: {part.get('message', '')}" for part in case if part.tag in ("failure", "error", "skipped")
        ]
        outcomes[name] = "; ".join(ended)
    return outcomes
