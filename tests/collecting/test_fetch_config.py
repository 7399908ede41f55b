"""What a user may say about gateways, in which words another choice is refused."""

import pytest

from traitlens.collecting.fetch_config import FetchConfig
from traitlens.errors import ConfigError


@pytest.mark.parametrize(
    "gateway",
    [
        "https://ipfs.io",
        "https://ipfs.io/",
        "http://127.0.0.1:8080",
        "http://[::1]:8080",
        "https://host.example/some/folder",
    ],
)
def test_a_gateway_is_a_url_without_the_content(gateway: str) -> None:
    FetchConfig(
        gateways=(gateway,), arweave=(gateway,), allow_private_hosts=("127.0.0.1", "[::1]:8080")
    )


@pytest.mark.parametrize(
    "gateway",
    [
        "",
        "ipfs.io",
        "ftp://ipfs.io",
        "https://ipfs.io:99999",
        "https://ipfs.io:port",
        "http://[::1",
        "https://user:password@ipfs.io",
        "https://ipfs.io?token=secret",
        "https://{cid}.ipfs.dweb.link",
        "https://ipfs.io/ipfs/:hash",
    ],
)
def test_what_is_no_gateway_is_refused_by_its_name(gateway: str) -> None:
    for field in ("gateways", "arweave"):
        with pytest.raises(ConfigError, match=f"{field} must be like https://ipfs.io"):
            FetchConfig(**{field: (gateway,)})  # type: ignore[arg-type]


@pytest.mark.parametrize("gateway", ["https://ipfs.io/ipfs", "https://ipfs.io/ipfs/"])
def test_a_gateway_is_named_without_its_folder(gateway: str) -> None:
    with pytest.raises(ConfigError, match="without /ipfs"):
        FetchConfig(gateways=(gateway,))


def test_a_node_of_ipfs_on_this_machine_is_named_by_its_address() -> None:
    """Kubo redirects what is asked of localhost:8080 to <CID>.ipfs.localhost:8080."""
    with pytest.raises(ConfigError, match=r"127\.0\.0\.1:8080"):
        FetchConfig(gateways=("http://localhost:8080",))


@pytest.mark.parametrize("field", ["gateways", "arweave"])
def test_a_gateway_that_is_not_public_is_refused_unless_it_is_named(field: str) -> None:
    with pytest.raises(ConfigError, match=r"is not public.*allow_private_hosts: 127\.0\.0\.1:8080"):
        FetchConfig(**{field: ("http://127.0.0.1:8080",)})  # type: ignore[arg-type]
