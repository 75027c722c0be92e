"""Why a connection to an existing cluster did not come about, in one or two sentences with the next step.

Where the failure itself says little (a broker that does not understand its client just hangs up), the address is looked
at once more, without any user name or password: what is spoken there says what was wrong.
"""

from __future__ import annotations

import contextlib
import re
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kit.backends.broker_link import SASL_HANDSHAKE, BrokerLink, LinkError, Step, connected
from kit.connect_settings import tls_context
from kit.wire.errors import ErrorCode

_PLAIN_TEXT = {"security_protocol": "PLAINTEXT"}
# Numbers of OpenSSL's verify errors. Source: openssl-verification-options(1), x509_vfy.h.
_NOT_YET_VALID, _EXPIRED, _WRONG_NAME, _WRONG_ADDRESS = 9, 10, 62, 64
_NO_AUTHORITY = (18, 19, 20, 21)
# As in the examples of documentation: <API_KEY>, {{ SECRET }}, ${PASSWORD}, WRITE-IT-HERE, your_password, xxx, ...
_PLACEHOLDER = re.compile(r"<.*>|\$?\{.*\}|\[.*\]|\.\.\.|…|[xX*]{3,}|[A-Z]+([-_ ][A-Z]+)+|(my|your)[-_ ].*")
_WITH_API_KEYS = ".confluent.cloud"
_OF_API_KEYS = " A new API key needs a few minutes, and it fits only the cluster that it was made for."
_NAMES_TIMEOUT_S, _MOST_NAMES = 3.0, 4


@dataclass(frozen=True, slots=True)
class Seen:
    """What an address speaks.

    Attributes:
        mechanisms: of SASL that it offers; none when it asks for no user name.
    """

    is_tls: bool
    mechanisms: tuple[str, ...]

    @property
    def security_protocol(self) -> str:
        """The setting that fits."""
        return ("SASL_" if self.mechanisms else "") + ("SSL" if self.is_tls else "PLAINTEXT")


def look(host: str, port: int, timeout_s: float) -> Seen | None:
    """See what an address speaks, in so many seconds; None when it is nothing that the kit understands."""
    unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE  # nothing is said to it, and nothing that it says is believed
    for context in (None, unverified):
        give_up_s = time.monotonic() + timeout_s / 2
        try:
            with BrokerLink(host, port, _PLAIN_TEXT, context, give_up_s) as link:
                offered = link.mechanisms("PLAIN") if link.has(SASL_HANDSHAKE) else (ErrorCode.ILLEGAL_SASL_STATE, ())
        except LinkError:
            continue
        return Seen(context is not None, () if offered[0] == ErrorCode.ILLEGAL_SASL_STATE else offered[1])
    return None


def explain(
    error: LinkError, host: str, port: int, settings: Mapping[str, Any], look_again: Callable[[], Seen | None]
) -> str:
    """Why a connection failed, and what to try next.

    Args:
        look_again: sees what the address speaks; asked only where that is needed.
    """
    address = _address(host, port)
    if error.step == Step.LOOK_UP:
        return (
            f"The computer {host!r} cannot be found: check the spelling and the network. "
            "Names of containers are known inside their own Docker network only."
        )
    if error.step == Step.CONNECT:
        return _not_connected(error, address)
    certain = _certain(error, host, port, settings)
    if certain:
        return certain
    seen = look_again()
    if seen is None:
        return _hung_up_after_tls(error, address, settings) or _nothing_kafka(error, address)
    return _mismatch(seen, address, settings) or _other(error, address)


def refusal(error: LinkError, host: str, port: int, settings: Mapping[str, Any]) -> str | None:
    """Why a broker that let these settings in before refuses them now; None when it does not, but only fails."""
    if error.code != ErrorCode.SASL_AUTHENTICATION_FAILED:
        return _certain(error, host, port, settings)
    return (
        f"{_refused(_address(host, port), settings)}, which were accepted before: the user or API key was changed or "
        "removed, or has expired. Connect again with kit.connect(...) and one that holds."
    )


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _not_connected(error: LinkError, address: str) -> str:
    if isinstance(error.cause, ConnectionRefusedError):
        return f"Nobody listens at {address}: is the cluster running, and is this its address?"
    if isinstance(error.cause, TimeoutError):
        return f"{address} does not answer: is the cluster running, and does a firewall or a missing VPN keep it away?"
    reason = getattr(error.cause, "strerror", None) or error.cause
    return f"{address} cannot be reached from here ({reason}): check the address and the network."


def _certain(error: LinkError, host: str, port: int, settings: Mapping[str, Any]) -> str | None:
    """What the failure itself says, if it says it clearly."""
    address = _address(host, port)
    if isinstance(error.cause, ssl.SSLCertVerificationError):
        return _certificate(error.cause, host, port, settings)
    reason = getattr(error.cause, "reason", None) or ""
    if "CERTIFICATE_REQUIRED" in reason or "BAD_CERTIFICATE" in reason or "UNKNOWN_CA" in reason:
        given = (
            "refuses the client certificate" if "ssl_certfile" in settings else "wants a certificate of the client too"
        )
        return f"{address} {given}: give ssl_certfile and ssl_keyfile, signed by an authority that the broker trusts."
    if error.step == Step.LOG_IN:
        return _login(error, host, port, settings)
    return None


def _certificate(error: ssl.SSLCertVerificationError, host: str, port: int, settings: Mapping[str, Any]) -> str:
    address = _address(host, port)
    if error.verify_code in (_WRONG_NAME, _WRONG_ADDRESS):
        names = _names_in_certificate(host, port, settings)
        return (
            f"The broker's certificate at {address} was made for {names}: use that name in bootstrap_servers. "
            "Where that cannot be, and you know who answers there: ssl_check_hostname=False."
        )
    if error.verify_code == _EXPIRED:
        return f"The broker's certificate at {address} has expired: it must be renewed by who runs the cluster."
    if error.verify_code == _NOT_YET_VALID:
        return f"The broker's certificate at {address} is not valid yet: is the clock of this computer right?"
    if error.verify_code in _NO_AUTHORITY:
        cafile = settings.get("ssl_cafile")
        trusted = f"by none in {cafile}" if cafile else "by none that this computer knows"
        return (
            f"The broker's certificate at {address} is signed by an authority that is not trusted here ({trusted}): "
            'ask who runs the cluster for its CA certificate, and give ssl_cafile="ca.pem".'
        )
    return (
        f"The broker's certificate at {address} cannot be trusted ({error.verify_message}): ask who runs the cluster."
    )


def _names_in_certificate(host: str, port: int, settings: Mapping[str, Any]) -> str:
    """The names that a certificate was made for, which is trusted but for its name."""
    if settings.get("ssl_context") is None:
        context = tls_context({**settings, "ssl_check_hostname": False})
        with (
            contextlib.suppress(LinkError, OSError),
            connected(host, port, time.monotonic() + _NAMES_TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            names: Any = (secured.getpeercert() or {}).get("subjectAltName", ())
            if names:
                return " and ".join(str(name) for _, name in names[:_MOST_NAMES])
    return "another name than this one"


def _login(error: LinkError, host: str, port: int, settings: Mapping[str, Any]) -> str | None:
    address = _address(host, port)
    mechanism, user = settings["sasl_mechanism"], settings["sasl_plain_username"]
    if error.code == ErrorCode.UNSUPPORTED_SASL_MECHANISM:
        offered = ", ".join(error.offered) or "none"
        return f"{address} does not offer {mechanism}; it offers {offered}: write one of them as sasl_mechanism."
    if error.code == ErrorCode.SASL_AUTHENTICATION_FAILED:
        return (
            f"{_refused(address, settings)}: correct them."
            + _doubts(settings)
            + (_OF_API_KEYS if host.endswith(_WITH_API_KEYS) else "")
        )
    if error.cause is not None and not isinstance(error.cause, OSError):
        return (
            f"The login at {address} as {user!r} failed ({mechanism}: {error.cause}): correct the user name and the "
            "password, and make sure that this is the right cluster."
        )
    return None


def _refused(address: str, settings: Mapping[str, Any]) -> str:
    return (
        f"{address} refuses the user name {settings['sasl_plain_username']!r} or its password "
        f"({settings['sasl_mechanism']})"
    )


def _doubts(settings: Mapping[str, Any]) -> str:
    """What looks as if it had never been meant for a broker; never the words themselves."""
    for name, value in (("user name", settings["sasl_plain_username"]), ("password", settings["sasl_plain_password"])):
        if _PLACEHOLDER.fullmatch(value):
            return f" The {name} looks like a placeholder for one."
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'`":
            return f" The {name} begins and ends with a quotation mark: take them away if they do not belong to it."
    return ""


def _mismatch(seen: Seen, address: str, settings: Mapping[str, Any]) -> str | None:
    wanted = settings["security_protocol"]
    if seen.security_protocol == wanted:
        return None
    facts = []
    if seen.is_tls != ("SSL" in wanted):
        facts.append("speaks TLS" if seen.is_tls else "speaks plain text instead of TLS")
    if bool(seen.mechanisms) != wanted.startswith("SASL"):
        facts.append("wants a user name" if seen.mechanisms else "asks for no user name")
    more = ""
    if seen.mechanisms and not wanted.startswith("SASL"):
        mechanisms = " or ".join(repr(name) for name in sorted(seen.mechanisms))
        more = f", sasl_mechanism={mechanisms}, sasl_plain_username and sasl_plain_password"
    if seen.mechanisms and "SSL" in wanted and not seen.is_tls:  # not to be said lightly: somebody may want just that
        more += ", but only where you trust the network, as others on it can listen in"
    return (
        f"{address} {' and '.join(facts)}, and security_protocol is {wanted}: "
        f"write security_protocol={seen.security_protocol!r}{more}."
    )


def _hung_up_after_tls(error: LinkError, address: str, settings: Mapping[str, Any]) -> str | None:
    """With TLS 1.3 a broker looks at the client's certificate after the handshake, and its word may get lost then."""
    is_cut = isinstance(error.cause, OSError) and not isinstance(error.cause, TimeoutError)
    if "SSL" not in settings["security_protocol"] or error.step != Step.GREET or not is_cut or error.said:
        return None
    wish = "does not trust that of this client" if "ssl_certfile" in settings else "wants one of the client too"
    return (
        f"{address} hangs up after the certificates were exchanged: it probably {wish}. Give ssl_certfile and "
        "ssl_keyfile, signed by an authority that the broker trusts. If it is no Kafka broker: check the port."
    )


def _nothing_kafka(error: LinkError, address: str) -> str:
    if error.said.startswith(b"HTTP"):
        return f"A web server answers at {address}, no Kafka broker: check the port, which is 9092 as a rule."
    if isinstance(error.cause, TimeoutError):
        return f"{address} takes the connection but says nothing: is the broker overloaded, or is this no Kafka broker?"
    return f"What answers at {address} is no Kafka broker that the kit understands: check the address and the port."


def _other(error: LinkError, address: str) -> str:
    if error.code == ErrorCode.UNSUPPORTED_VERSION:
        return (
            f"What answers at {address} does not tell where the brokers are: it may be a controller. "
            "Give the address of a broker."
        )
    if isinstance(error.cause, TimeoutError):
        return f"The broker at {address} does not answer in time: try again, or give it longer with timeout_s=30."
    if error.step == Step.ASK and error.cause is None:
        return f"The broker at {address} knows no brokers yet, itself included: try again in a moment."
    if error.step == Step.LOG_IN:
        return f"The broker at {address} hangs up during the login: correct the user name and the password."
    return f"The broker at {address} hangs up ({error.cause or 'for no reason that it gives'}): try again."
