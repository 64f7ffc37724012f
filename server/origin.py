"""Where a request comes from: the address that is counted, and the mark of a device that signed in before."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from flask import Response, after_this_request, current_app, request

from server.extensions import parts

COOKIE = "known_device"
KEEP_SECONDS = 400 * 24 * 60 * 60
# What one subscriber is given, at least: an attacker has all of it.
IPV6_PREFIX = 64
UNKNOWN = "unknown"

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Origin:
    network: str
    """The IPv4 address, or the IPv6 network of 64 bits."""
    mark: str
    """What the device was given when it signed in before; empty when it says nothing."""


def origin() -> Origin:
    """Of the request that is being served."""
    forwarded = ",".join(request.headers.getlist("X-Forwarded-For"))
    address = client_address(request.remote_addr or "", forwarded, parts().settings.trusted_proxies)
    return Origin(network_of(address), request.cookies.get(cookie_name(COOKIE, secure=_is_secure()), ""))


def cookie_name(name: str, *, secure: bool) -> str:
    """Over https with a prefix, by which browsers take the cookie from this very host alone, and only over https."""
    return f"__Host-{name}" if secure else name


def give_mark(mark: str) -> None:
    """With the answer to this request, whichever it is."""

    @after_this_request
    def marked(answer: Response) -> Response:
        secure = _is_secure()
        answer.set_cookie(
            cookie_name(COOKIE, secure=secure),
            mark,
            max_age=KEEP_SECONDS,
            httponly=True,
            samesite="Lax",
            secure=secure,
        )
        return answer


def _is_secure() -> bool:
    return bool(current_app.config["SESSION_COOKIE_SECURE"])


def client_address(peer: str, forwarded: str, trusted: tuple[Network, ...]) -> str:
    """The nearest address that is not one of our proxies: to its left, anybody may have written anything."""
    nearest = peer
    for hop in reversed(forwarded.split(",")):
        if not _is_one_of(nearest, trusted) or _parsed(hop) is None:
            break
        nearest = hop
    return nearest


def network_of(address: str) -> str:
    parsed = _parsed(address)
    if parsed is None:
        # A server on a socket file has no peer. All of those count as one.
        return UNKNOWN
    if isinstance(parsed, IPv6Address):
        return str(ip_network((int(parsed), IPV6_PREFIX), strict=False))
    return str(parsed)


def _is_one_of(address: str, networks: tuple[Network, ...]) -> bool:
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in networks)


def _parsed(hop: str) -> IPv4Address | IPv6Address | None:
    """Some proxies write the port, too."""
    bare = hop.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        parsed = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return (parsed.ipv4_mapped or parsed) if isinstance(parsed, IPv6Address) else parsed
