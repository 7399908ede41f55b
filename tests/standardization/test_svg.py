"""SVG is drawn, bounded, and reads nothing but itself."""

import base64
import gzip
import io
import socket
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.standardization.samples import (
    TEXT_SVG,
    VECTOR_SVG,
    encoded,
    face,
    image_svg,
    rect_svg,
    sample_media,
)
from traitlens.standardization import (
    Limits,
    Picture,
    Rejection,
    SizeConfig,
    StandardizeConfig,
    decode,
    standardize,
)
from traitlens.standardization.svg_cleaning import CleanSvg, clean_svg
from traitlens.standardization.svg_cost import MAX_DEPTH
from traitlens.standardization.svg_size import svg_size

NAMESPACES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def document(content: str, *, attributes: str = 'viewBox="0 0 100 100"') -> bytes:
    return f"<svg {NAMESPACES} {attributes}>{content}</svg>".encode()


def drawn(svg: bytes, *, width: int = 64, mode: str = "native") -> Image.Image:
    picture = standardize(svg, StandardizeConfig(size=SizeConfig(mode=mode, width=width)))
    assert isinstance(picture, Picture), picture
    return Image.open(io.BytesIO(picture.png))


def cleaned(content: str, *, attributes: str = "") -> CleanSvg:
    clean = clean_svg(document(content, attributes=attributes), embed=lambda _uri: None)
    assert isinstance(clean, CleanSvg)
    return clean


def is_clear(image: Image.Image) -> bool:
    return image.mode == "RGBA" and image.getchannel("A").getextrema() == (0, 0)


# Sizes and pixel art


def test_a_drawing_is_as_wide_as_is_asked_for() -> None:
    assert drawn(VECTOR_SVG.encode(), width=200).size == (200, 100)
    assert drawn(VECTOR_SVG.encode(), width=200, mode="paper").size == (200, 100)


@pytest.mark.parametrize("block", [1, 10, 40])
def test_art_of_rects_comes_back_at_its_own_grid(block: int) -> None:
    svg = rect_svg(face(), block=block).encode()
    assert drawn(svg).convert("RGB").tobytes() == face().tobytes()
    large = drawn(svg, width=512, mode="whole")
    assert large.tobytes() == face().resize((504, 504), Image.Resampling.NEAREST).tobytes()


def test_an_embedded_picture_of_pixel_art_comes_back_exactly() -> None:
    assert drawn(image_svg(encoded(face())).encode()).tobytes() == face().tobytes()


@pytest.mark.parametrize(
    ("attributes", "aspect"),
    [
        ('viewBox="0 0 30 10"', 3),
        ('viewBox="0,0,30,10"', 3),
        ('viewBox="0 0 30 10" width="100%" height="100%"', 3),
        ('viewBox="0 0 30 10" width="1in" height="48px"', 2),
        ('width="350" height="350"', 1),
        ('width="2em" height="16"', 2),
    ],
)
def test_the_aspect_is_what_the_root_says(attributes: str, aspect: float) -> None:
    size = svg_size(cleaned("", attributes=attributes).root)
    assert size is not None
    assert size.aspect == aspect


def test_a_document_without_a_size_is_measured() -> None:
    svg = document('<circle cx="20" cy="10" r="10" fill="red"/>', attributes="")
    assert drawn(svg, width=60).size == (60, 40)


def test_a_document_without_namespaces_is_drawn() -> None:
    bare = b'<svg viewBox="0 0 9 9"><circle r="9"/><use xlink:href="#a"/></svg>'
    assert drawn(bare).size == (64, 64)


def test_words_are_drawn_without_the_fonts_of_the_machine() -> None:
    white = np.asarray(drawn(TEXT_SVG.encode(), width=350).convert("L")) > 128
    assert white[5:25, 10:100].sum() > 100  # "Quarterstaff"
    assert not white[60:].any()


def test_the_background_of_the_roots_style_is_drawn() -> None:
    svg = document('<circle r="5" cx="50" cy="50"/>', attributes='viewBox="0 0 100 100" '
                   'style="background-color: #ff0000"')  # fmt: skip
    assert drawn(svg).convert("RGB").getpixel((0, 0)) == (255, 0, 0)


def test_the_background_image_of_the_roots_style_is_drawn() -> None:
    uri = f"data:image/png;base64,{base64.b64encode(encoded(face())).decode()}"
    svg = document("", attributes=f'viewBox="0 0 24 24" style="background:url({uri})"')
    assert drawn(svg).tobytes() == face().tobytes()


# Nothing from outside


@pytest.fixture
def red_png(tmp_path: Path) -> Path:
    path = tmp_path / "red.png"
    path.write_bytes(encoded(Image.new("RGB", (4, 4), "red")))
    return path


@pytest.mark.parametrize("attribute", ["href", "xlink:href", "XLINK:href"])
@pytest.mark.parametrize("uri", ["{path}", "file://{path}", "FILE:{path}", " {path}", "red.png"])
def test_no_local_file_is_read(
    red_png: Path, monkeypatch: pytest.MonkeyPatch, uri: str, attribute: str
) -> None:
    monkeypatch.chdir(red_png.parent)
    href = uri.format(path=red_png)
    inside = (
        f'<svg {NAMESPACES} viewBox="0 0 9 9"><image width="9" height="9" href="{href}"/></svg>'
    )
    nested = f"data:image/svg+xml;base64,{base64.b64encode(inside.encode()).decode()}"
    filtered = f'<filter id="f"><feImage {attribute}="{href}"/></filter>'
    for content in (
        f'<image width="100" height="100" {attribute}="{href}"/>',
        f'<image width="100" height="100" href="{nested}"/>',
        f'<use {attribute}="{href}#a"/>',
        f'{filtered}<rect width="100" height="100" fill="none" filter="url(#f)"/>',
        f'<style>image {{ href: url({href}); }}</style><image width="100" height="100"/>',
    ):
        assert is_clear(drawn(document(content)))


def test_no_connection_is_opened() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/a.png"
        content = (
            f'<image width="9" height="9" href="{address}"/><use href="{address}#a"/>'
            f'<style>@import "{address}"; rect {{ fill: url({address}#p) }}</style>'
            f'<rect width="9" height="9" fill="url({address}#p)"/>'
        )
        head = f'<?xml-stylesheet href="{address}"?><!DOCTYPE svg SYSTEM "{address}">'.encode()
        assert isinstance(decode(head + document(content)), Image.Image)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_what_acts_is_left_out() -> None:
    clean = cleaned(
        "<script>alert(1)</script><g onclick='x()' ONLOAD='y()' fill='red'><rect/></g>"
        "<foreignObject><div>html</div></foreignObject><animate attributeName='x'/>"
        "<a href='javascript:x()'><path d='M0 0'/></a><iframe src='http://x'/>"
    )
    assert clean.body == '<g fill="red"><rect ></rect></g><a ><path d="M0 0"></path></a>'


@pytest.mark.parametrize(
    "css",
    [
        "fill:url(http://x/#p)",
        "fill:URL( 'file:///etc/passwd' )",
        r"fill:u\rl(http://x)",
        "@import 'http://x'; x",
        "fill:url(data:image/png;base64,AA)",
    ],
)
def test_css_reaches_nothing_outside(css: str) -> None:
    clean = cleaned(f'<style>{css}</style><rect style="{css}"/>')
    assert "http" not in clean.body
    assert "passwd" not in clean.body
    assert "data:" not in clean.body


def test_references_inside_the_document_stay() -> None:
    clean = cleaned('<rect style="fill:url(#p)" clip-path="url(\'#c\')"/><use xlink:href="#u"/>')
    assert "url(#p)" in clean.body
    assert "url('#c')" in clean.body
    assert 'href="#u"' in clean.body


# Bombs


def nested_groups(depth: int) -> str:
    return "<g>" * depth + "<rect/>" + "</g>" * depth


def used_tenfold(levels: int) -> str:
    """Return a document in which 10 ** levels rects are drawn."""
    groups = [
        f'<g id="l{level}">' + f'<use href="#l{level - 1}"/>' * 10 + "</g>"
        for level in range(1, levels + 1)
    ]
    return f'<defs><g id="l0"><rect/></g>{"".join(groups)}</defs><use href="#l{levels}"/>'


def used_deep(depth: int) -> str:
    """Return a chain of groups, each drawing the one before."""
    links = [f'<g id="c{link}"><use href="#c{link - 1}"/></g>' for link in range(1, depth)]
    return f'<defs><g id="c0"><rect/></g>{"".join(links)}</defs><use href="#c{depth - 1}"/>'


LONG_PATH = f'<path d="M0 0 {"L 1 1 L 9 9 " * 20_000}" marker-mid="url(#m)"/>'
BOMBS = {
    "nested groups": nested_groups(20_000),
    "many layers": '<g opacity=".5"/>' * 3_000,
    "use of use": used_tenfold(9),
    "a chain of uses": used_deep(200),
    "pattern in pattern": "".join(
        f'<pattern id="p{n}"><rect fill="url(#p{n - 1})"/>{"<rect/>" * 30}</pattern>'
        f'<g id="g{n}">{f"""<rect fill="url(#p{n})"/>""" * 200}</g>'
        for n in range(1, 40)
    ),
    "markers": f'<marker id="m">{"<rect/>" * 50}</marker>{LONG_PATH}',
    "octaves": '<filter><feTurbulence numOctaves="100000"/></filter>',
    "radius": '<filter><feMorphology radius="9999"/></filter>',
    "a large kernel": '<filter><feConvolveMatrix order="99"/></filter>',
    "a large tile": '<pattern width="1e6" height="1e6"/>',
    "many filters": "<filter><feOffset/></filter>" * 200,
    "huge numbers": '<rect width="1e38" height="99999999999"/>',
    "a long text": f"<text>{'A' * 10_001}</text>",
    "many attributes": f"<g {' '.join(f'a{n}={chr(34) * 2}' for n in range(101))}/>",
    "many rules": f"<style>{'g{}' * 10_000}</style>{'<g/>' * 5_000}",
    "much path": f'<path d="{"M0 0" * 800_000}"/>',
}


@pytest.mark.parametrize("name", list(BOMBS))
def test_bombs_are_rejected_before_they_are_drawn(name: str) -> None:
    assert decode(document(BOMBS[name])) == Rejection("SVG too complex")


@pytest.mark.parametrize(
    "content",
    [
        nested_groups(90),
        used_tenfold(3),
        used_deep(30),
        '<g id="a"><use href="#a"/></g><use href="#b"/><g id="b"><use href="#a"/></g>',
        '<rect width="9999" height="-1" x="-99999" fill="#1e50aa" id="x123456789"/>',
        '<path d="M0 0L1e-7 3.14159265358979"/>',
    ],
)
def test_what_only_looks_like_a_bomb_is_drawn(content: str) -> None:
    assert isinstance(decode(document(content)), Image.Image)


@pytest.mark.parametrize(
    ("svg", "reason"),
    [
        (
            b'<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>' + document("&b;"),
            "SVG declares entities",
        ),
        (
            b'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + document("&a;"),
            "SVG declares entities",
        ),
        (document("<g>")[:-6], "broken SVG"),
        (document("a & b"), "broken SVG"),
        (b"<html><svg/></html>", "unsupported media type"),
        (document("", attributes='viewBox="0 0 1 200000"'), "too many pixels"),
        (gzip.compress(document(" " * (17 * 2**20)), mtime=0), "media too large"),
        (gzip.compress(document(""), mtime=0)[:40], "broken SVG"),
        (gzip.compress(b"not svg", mtime=0), "unsupported media type"),
    ],
)
def test_documents_that_cannot_be_drawn_say_why(svg: bytes, reason: str) -> None:
    assert decode(svg) == Rejection(reason)


def test_the_deepest_document_is_drawn_in_a_thread_of_little_stack() -> None:
    images: list[object] = []
    former = threading.stack_size(2**18)
    try:
        thread = threading.Thread(
            target=lambda: images.append(decode(document(nested_groups(MAX_DEPTH - 2))))
        )
        thread.start()
    finally:
        threading.stack_size(former)
    thread.join()
    assert isinstance(images[0], Image.Image)


def test_attribute_defaults_of_a_dtd_do_not_multiply() -> None:
    svg = b'<!DOCTYPE svg [<!ATTLIST g style CDATA "xxxx">]>' + document("<g/>")
    clean = clean_svg(svg, embed=lambda _uri: None)
    assert isinstance(clean, CleanSvg)
    assert "xxxx" not in clean.body


def test_embedded_pictures_are_bounded_together() -> None:
    flat = encoded(Image.new("1", (500, 500)))
    uri = f"data:image/png;base64,{base64.b64encode(flat).decode()}"
    halves = "".join(
        f'<image x="{left}" width="50" height="100" preserveAspectRatio="none" href="{uri}"/>'
        for left in (0, 50)
    )
    for limit, right in ((350_000, 0), (500_000, 255)):  # each has 250,000
        image = decode(document(halves), Limits(max_pixels=limit))
        assert isinstance(image, Image.Image)
        alpha = image.convert("RGBA").getchannel("A")
        assert (alpha.getpixel((10, 256)), alpha.getpixel((500, 256))) == (255, right)


def test_an_svg_in_an_svg_in_an_svg_is_drawn_no_deeper_than_two() -> None:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><circle r="50"/></svg>'
    for depth in range(4):
        assert is_clear(drawn(svg)) == (depth > 2), depth
        svg = image_svg(svg, "image/svg+xml").encode()


def test_every_svg_sample_is_drawn() -> None:
    for name, svg in sample_media().items():
        if name.startswith("svg/"):
            assert not is_clear(drawn(svg)), name


def test_rendering_is_the_same_each_time() -> None:
    first, again = (standardize(TEXT_SVG.encode(), StandardizeConfig()) for _ in range(2))
    assert first == again
