"""Tests the addresses to which a webhook may connect: only public ones, in any spelling, and only those that were checked."""

import asyncio
import ssl
import subprocess
import threading
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest

from service.webhooks.attempt import Attempt, trusted_authorities
from service.webhooks.egress_policy import (
    LOOKUPS_MAX,
    Address,
    EgressPolicy,
    ParsedUrl,
    Resolve,
    Unreachable,
    addresses_of,
    is_public,
)
from service.webhooks.errors import UrlNotAllowed
from tests.service.webhooks.receiving import Frame, receiving

REFUSED = [
    "https://10.0.0.1/", "https://172.16.0.1/", "https://172.31.255.255/", "https://192.168.1.1/", "https://127.0.0.1/",
    "https://169.254.169.254/latest/meta-data/", "https://100.64.0.1/", "https://0.0.0.0/", "https://255.255.255.255/",
    "https://224.0.0.1/", "https://240.0.0.1/", "https://192.0.2.1/", "https://198.18.0.1/", "https://192.88.99.1/",
    "https://127.1/", "https://0/", "https://2130706433/", "https://0x7f000001/", "https://0x7f.1/", "https://0177.0.0.1/",
    "https://127.0.0.1./", "https://1.2.3.4.5/", "https://example.0x7f/", "https://10.1/",
    "https://[::1]/", "https://[::]/", "https://[::ffff:10.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[::127.0.0.1]/",
    "https://[64:ff9b::10.0.0.1]/", "https://[64:ff9b:1::808:808]/", "https://[2002:7f00:1::]/", "https://[2002:808:808::1]/",
    "https://[2001:0:7f00:1::]/", "https://[fe80::1]/", "https://[fe80::1%25eth0]/", "https://[fc00::1]/", "https://[fd12::1]/",
    "https://[fec0::1]/", "https://[ff02::1]/", "https://[2001:db8::1]/", "https://[100::1]/", "https://[4000::1]/",
    "https://[1::2::3]/", "https://[8.8.8.8]/", "https://[abc.de]/",
    "https://localhost/", "https://LOCALHOST/", "https://localhost./", "https://router/",
    "http://example.org/", "ftp://example.org/", "file:///etc/passwd", "gopher://example.org/", "//example.org/", "example.org",
    "https://user@example.org/", "https://user:pass@example.org/", "https://example.org@10.0.0.1/", "https://example.org#x",
    "https://example.org/#x", "https://example.org:0/", "https://example.org:65536/", "https://example.org:-1/",
    "https://example.org:/", "https://example.org:443:80/", "https://", "https:///x", "https:example.org",
    "https://exa mple.org/", "https://example.org/a b", "https://example.org\\@10.0.0.1/", "https://example.org/\r\nX: y", "\thttps://example.org/",
    "https://example.org/\n", "https://ex\u00e4mple.org/", "https://\uff11\uff12\uff17.0.0.1/", "https://example\u3002org/",
    "https://%31%32%37.0.0.1/", "https://.example.org/", "https://example..org/", "https://-a.example/",
    f"https://{'a' * 64}.org/", f"https://{'a.' * 130}org/", "HTTPS://10.0.0.1/",
]  # fmt: skip


@pytest.mark.parametrize("url", REFUSED)
def test_an_address_that_is_not_public_or_not_plain_is_refused(url: str) -> None:
    """A URL whose host is not public, or not written plainly, is refused without a look-up. All reasons get one sentence."""
    with pytest.raises(UrlNotAllowed) as refused:
        EgressPolicy().read(url)
    assert (str(refused.value), refused.value.at) == (str(UrlNotAllowed()), "url")


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "named"),
    [
        ("https://example.org", "example.org", 443, "", "example.org"),
        ("https://Hooks.Example.org:8443/api/webhook/x?y=%20z", "hooks.example.org", 8443, "/api/webhook/x?y=%20z",
         "hooks.example.org:8443"),
        ("https://8.8.8.8:443/", "8.8.8.8", 443, "/", "8.8.8.8"),
        ("https://[2606:4700::1111]:8443/x", "2606:4700::1111", 8443, "/x", "[2606:4700::1111]:8443"),
        ("https://xn--exmple-cua.org/", "xn--exmple-cua.org", 443, "/", "xn--exmple-cua.org"),
        ("https://example.org./?q", "example.org.", 443, "/?q", "example.org."),
    ],
)  # fmt: skip
def test_a_public_address_is_read(url: str, host: str, port: int, path: str, named: str) -> None:
    found = EgressPolicy().read(url)
    assert (host, port, path, named) == (found.host, found.port, found.path, found.named)


def test_which_addresses_are_public() -> None:
    """An IPv6 address that contains an IPv4 address is public if the IPv4 address is."""
    public = ("8.8.8.8", "1.1.1.1", "100.63.255.255", "172.32.0.1", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8")
    assert [text for text in public if not is_public(ip_address(text))] == []
    private = ("100.127.255.255", "172.31.0.1", "64:ff9b::a00:1", "::ffff:192.168.0.1", "2002::1", "2001::1", "3fff::1",
               "5f00::1", "fe80::1%eth0", "2606:4700::1%eth0")  # fmt: skip
    assert [text for text in private if is_public(ip_address(text))] == []


def resolves_to(*texts: str) -> Resolve:
    return lambda host, port: texts


TARGET = ParsedUrl(scheme="https", host="frame.example", port=443, path="/")


@pytest.mark.parametrize(
    "found", [("10.0.0.1",), ("8.8.8.8", "10.0.0.1"), ("8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "::1"), (), ("nonsense",),
              ("::ffff:127.0.0.1",), ("fe80::1%2",)],
)  # fmt: skip
async def test_a_name_with_a_private_address_is_refused(found: tuple[str, ...]) -> None:
    """A name is refused if one of its addresses is private, because an attacker can add a private address to public ones."""
    with pytest.raises(Unreachable):
        await EgressPolicy(resolve=resolves_to(*found)).find(TARGET)


async def test_a_public_name_resolves_to_its_first_addresses() -> None:
    found = await EgressPolicy(resolve=resolves_to("8.8.8.8", "2606:4700::1111", "1.1.1.1", "1.0.0.1")).find(TARGET)
    assert [str(address) for address in found] == ["8.8.8.8", "2606:4700::1111", "1.1.1.1"]


@pytest.mark.parametrize("url", ["http://frame.example/", "https://frame/", "https://10.0.0.1/", "https://[::1]/"])
async def test_an_allowed_address_is_checked_again_at_each_attempt(url: str) -> None:
    """If an operator no longer allows private addresses, existing webhooks to such addresses fail."""
    target = EgressPolicy(allow_private=True).read(url)
    with pytest.raises(Unreachable):
        await EgressPolicy(resolve=resolves_to("8.8.8.8")).find(target)


async def test_the_systems_own_look_up_is_used_and_localhost_refused() -> None:
    """By default, the system resolves host names. `localhost` is refused, because its address is private."""
    assert "127.0.0.1" in addresses_of("localhost", 80)
    with pytest.raises(Unreachable):
        await EgressPolicy().find(ParsedUrl(scheme="https", host="localhost", port=443, path="/"))


async def test_a_look_up_that_hangs_is_given_up_and_delays_no_other() -> None:
    """Law 17: look-ups that hang are given up after a time limit. Meanwhile another look-up succeeds."""
    released = threading.Event()

    def hangs(host: str, port: int) -> Sequence[str]:
        if host == "slow.example":
            released.wait(10)
        return ("8.8.8.8",)

    egress = EgressPolicy(resolve=hangs, resolve_s_max=0.05)
    slow = ParsedUrl(scheme="https", host="slow.example", port=443, path="/")
    lookups = [asyncio.ensure_future(egress.find(slow)) for _ in range(LOOKUPS_MAX - 1)]
    await asyncio.wait(lookups)
    assert {type(one.exception()) for one in lookups} == {Unreachable}
    assert [str(one) for one in await egress.find(TARGET)] == ["8.8.8.8"]
    released.set()


class OneAddressIsPublic(EgressPolicy):
    """A policy that allows 127.0.0.1 in place of public addresses, because the machine of a test has none."""

    def is_allowed(self, address: Address) -> bool:
        return str(address) == "127.0.0.1"


async def test_the_checked_address_is_the_one_to_connect_to() -> None:
    """An attempt resolves the name of its target once, and connects to the address that was found and checked.

    DNS rebinding: a second look-up of the name would find a private address.
    """
    resolved: list[str] = []

    def rebinds(host: str, port: int) -> list[str]:
        resolved.append(host)
        return ["127.0.0.1"] if len(resolved) == 1 else ["127.0.0.2"]

    async with receiving() as public, receiving(address="127.0.0.2", port=public.port) as private:
        target = ParsedUrl(scheme="http", host="rebinds.example", port=public.port, path="/x?y")
        egress = OneAddressIsPublic(allow_private=True, resolve=rebinds)
        async with Attempt(target, egress=egress, tls=trusted_authorities()) as post:
            assert await post.send(b"{}", []) == 204
            assert (len(resolved), public.connections, private.connections) == (1, 1, 0)
            assert (public.deliveries[0].line, public.deliveries[0].headers["host"]) == (
                "POST /x?y HTTP/1.1", f"rebinds.example:{public.port}",
            )  # fmt: skip
            assert await post.send(b"{}", []) is None
        assert (len(resolved), len(public.deliveries), private.connections) == (2, 1, 0)


async def test_the_next_address_is_tried_where_the_first_refuses() -> None:
    async with receiving() as frame:
        egress = EgressPolicy(allow_private=True, resolve=resolves_to("127.0.0.9", "127.0.0.1"))
        async with Attempt(egress.read(frame.url(host="frame.example")), egress=egress, tls=trusted_authorities()) as post:
            assert await post.send(b"{}", []) == 204
    assert len(frame.deliveries) == 1


async def test_no_proxy_and_no_credentials_of_the_environment_are_used(
    frame: Frame, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A proxy, which would resolve the name again, is not used, and no password of a netrc file is sent."""
    async with receiving() as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
        monkeypatch.setenv("NETRC", str(netrc))
        egress = EgressPolicy(allow_private=True)
        async with Attempt(egress.read(frame.url()), egress=egress, tls=trusted_authorities()) as post:
            assert await post.send(b"{}", []) == 204
        assert (proxy.connections, "authorization" in frame.deliveries[0].headers) == (0, False)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Makes a certificate for frame.example, because the project contains no private key."""
    folder = tmp_path_factory.mktemp("tls")
    key, made = folder / "key", folder / "certificate"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=frame.example", "-addext", "subjectAltName=DNS:frame.example", "-keyout", key, "-out", made],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, made


@pytest.mark.needs("openssl")
@pytest.mark.parametrize(
    ("host", "is_trusted", "status"),
    [("frame.example", True, 204), ("other.example", True, None), ("frame.example", False, None)],
)
async def test_the_certificate_is_verified_for_the_name_and_not_the_address(
    certificate: tuple[Path, Path], host: str, is_trusted: bool, status: int | None
) -> None:
    """TLS verifies the host name that the member gave, and not the address to which the sender connects."""
    key, made = certificate
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(made, key)
    tls = trusted_authorities()
    if is_trusted:
        tls.load_verify_locations(made)
    egress = EgressPolicy(allow_private=True, resolve=resolves_to("127.0.0.1"))
    async with receiving(tls=serving) as frame:
        target = egress.read(f"https://{host}:{frame.port}/x")
        async with Attempt(target, egress=egress, tls=tls) as post:
            assert await post.send(b"{}", []) == status
        assert len(frame.deliveries) == (status == 204)
