"""One real Apache Kafka broker as a plain process: listeners with TLS and SASL, an authorizer, and users.

It takes some ten seconds to start, so a fixture shares it. What a test needs to know is in `ApacheBroker`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kit.backends.ports import ReservedPort
from kit.listeners import SECURITY_PROTOCOLS
from tests.support.requirements import need
from tests.support.wait import wait_until

USERS = {"admin": "admin-secret", "alice": "alice-secret"}
_STORE_PASSWORD = "store-secret"
_ENVIRONMENT = {"KAFKA_HEAP_OPTS": "-Xmx256m"}
_LISTENERS = (*SECURITY_PROTOCOLS, "ELSEWHERE", "CONTROLLER")
_TIMEOUT_S = 60


@dataclass(frozen=True)
class ApacheBroker:
    """A running broker.

    Attributes:
        ports: by the listener's name; "ELSEWHERE" tells its clients an address that does not exist.
        ca_pem: the certificate to trust; it is valid for localhost and for no address.
    """

    ports: dict[str, int]
    ca_pem: Path

    def at(self, listener: str, host: str = "localhost") -> str:
        """The bootstrap address of a listener."""
        return f"{host}:{self.ports[listener]}"


@contextlib.contextmanager
def apache_broker(folder: Path) -> Iterator[ApacheBroker]:
    """Start it, and end it with the block.

    Args:
        folder: for everything that it writes.
    """
    need("java")
    bin_folder = Path(need("kafka-distribution")) / "bin"
    reserved = {name: ReservedPort() for name in _LISTENERS}
    broker = ApacheBroker({name: port.port for name, port in reserved.items()}, _certificate(folder))
    config = folder / "server.properties"
    config.write_text("\n".join(_properties(broker, folder)), encoding="utf-8")
    add_users = [
        option
        for name, password in USERS.items()
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
        for option in ("--add-scram", f"{mechanism}=[name={name},password={password}]")
    ]
    environment = {**os.environ, **_ENVIRONMENT, "LOG_DIR": str(folder)}
    format_it = [
        bin_folder / "kafka-storage.sh",
        "format",
        "--cluster-id",
        "5L6g3nShT-eMCtK--X86sw",
        "--config",
        config,
    ]
    subprocess.run([*format_it, *add_users], env=environment, check=True, capture_output=True, timeout=_TIMEOUT_S)
    for port in reserved.values():
        port.release()
    log = folder / "server.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [bin_folder / "kafka-server-start.sh", config],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            wait_until(
                lambda: b"Kafka Server started" in log.read_bytes() or process.poll() is not None,
                "Apache Kafka",
                timeout_s=_TIMEOUT_S,
            )
            assert process.poll() is None, log.read_text(errors="replace")[-3000:]
            yield broker
        finally:
            process.kill()  # its data goes with the folder


def _certificate(folder: Path) -> Path:
    """Make a key with a certificate for localhost that vouches for itself; returns the certificate."""
    keytool = shutil.which("keytool") or str(Path(need("java")).resolve().with_name("keytool"))
    store = ["-keystore", folder / "server.p12", "-storepass", _STORE_PASSWORD, "-alias", "broker"]
    make = ["-genkeypair", "-keyalg", "EC", "-dname", "CN=localhost", "-ext", "san=dns:localhost", "-validity", "2"]
    subprocess.run([keytool, *make, *store, "-storetype", "PKCS12"], check=True, capture_output=True)
    ca_pem = folder / "ca.pem"
    subprocess.run([keytool, "-exportcert", "-rfc", *store, "-file", ca_pem], check=True, capture_output=True)
    return ca_pem


def _properties(broker: ApacheBroker, folder: Path) -> list[str]:
    bound = [f"{name}://localhost:{port}" for name, port in broker.ports.items()]
    told = [f"{name}://localhost:{broker.ports[name]}" for name in SECURITY_PROTOCOLS]
    told.append("ELSEWHERE://kafka.invalid:9092")
    protocols = [f"{name}:{name if name in SECURITY_PROTOCOLS else 'PLAINTEXT'}" for name in _LISTENERS]
    module = "org.apache.kafka.common.security"
    users = " ".join(f'user_{name}="{password}"' for name, password in USERS.items())
    logins = {
        "plain": f"{module}.plain.PlainLoginModule required {users};",
        "scram-sha-256": f"{module}.scram.ScramLoginModule required;",
        "scram-sha-512": f"{module}.scram.ScramLoginModule required;",
    }
    offers = [("sasl_ssl", name) for name in logins] + [("sasl_plaintext", "scram-sha-512")]
    return [
        "process.roles=broker,controller",
        "node.id=1",
        f"controller.quorum.voters=1@localhost:{broker.ports['CONTROLLER']}",
        "controller.listener.names=CONTROLLER",
        f"listeners={','.join(bound)}",
        f"advertised.listeners={','.join(told)}",
        f"listener.security.protocol.map={','.join(protocols)}",
        f"log.dirs={folder / 'data'}",
        "offsets.topic.replication.factor=1",
        "group.initial.rebalance.delay.ms=0",
        f"ssl.keystore.location={folder / 'server.p12'}",
        "ssl.keystore.type=PKCS12",
        f"ssl.keystore.password={_STORE_PASSWORD}",
        "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users=User:ANONYMOUS;User:admin",
        f"listener.name.sasl_ssl.sasl.enabled.mechanisms={','.join(logins).upper()}",
        "listener.name.sasl_plaintext.sasl.enabled.mechanisms=SCRAM-SHA-512",
        *(f"listener.name.{listener}.{name}.sasl.jaas.config={logins[name]}" for listener, name in offers),
    ]
