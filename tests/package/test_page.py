"""report.html shows what report.json holds, and nothing of a model can become markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from package.conftest import REPORT

from edgeq.package.build import PAGE, build_package
from edgeq.package.page import HEIGHT, WIDTH, report_page
from edgeq.package.source import PackageSource

EMPTY = {"meta", "rect"}
FPGA = {
    "method": "modelled",
    "inferences_per_second": 655,
    "dsp": {"used": 211, "budget": 220},
    "bram18": {"used": 159, "budget": 280},
}


class Page(HTMLParser):
    """The words of a page, its elements, and whether each element that is opened is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in EMPTY or tag == "rect":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def test_it_is_in_the_package_and_shows_the_report(source: PackageSource) -> None:
    page = Page(build_package(source)[PAGE].decode())
    for words in ("toy on cortex-m4", "Flash: 400 bytes", "RAM: 100 bytes", "Arena: 48 bytes", "fold_constants"):
        assert words in page.words
    assert "b0, b4: 16 bytes at 0" in page.words


def test_names_of_the_model_are_text() -> None:
    page = Page(report_page(REPORT | {"name": "<script>alert(1)</script>"}))
    assert "script" not in {tag for tag, _ in page.elements} and "fc" not in {tag for tag, _ in page.elements}
    assert "<script>alert(1)</script> on cortex-m4" in page.words and "'<fc>' is dead & gone" in page.words


def test_blocks_are_drawn_where_and_when_they_lie() -> None:
    drawn = [attrs for tag, attrs in Page(report_page(REPORT)).elements if tag == "rect"]
    box = [tuple(float(attrs[key] or "") for key in ("x", "y", "width", "height")) for attrs in drawn]
    assert box[0] == pytest.approx((0, HEIGHT * 2 / 3, WIDTH * 2 / 3, HEIGHT / 3), abs=0.1)
    assert box[1] == pytest.approx((WIDTH / 3, 0, WIDTH, HEIGHT * 2 / 3), abs=0.1)


def test_bars_are_shares() -> None:
    widths = [float(width) for width in re.findall(r'width:([0-9.]+)%" title', report_page(REPORT))]
    assert widths == pytest.approx([75, 15, 10, 48, 16, 36])


def test_a_design_shows_the_device_instead_of_memory() -> None:
    report = {key: value for key, value in REPORT.items() if key != "memory"} | {"fpga": FPGA}
    page = Page(report_page(report | {"accuracy": {"metric": "top1", "float": 0.9, "quantized": 0.89, "samples": 100}}))
    assert "655 inferences per second (modelled)" in page.words and "DSP slices: 211 of 220" in page.words
    assert "top1 on 100 samples: 89.00% (float 90.00%)" in page.words and "Arena" not in page.words


def test_nothing_is_loaded_from_elsewhere() -> None:
    assert not re.search(r"https?:|<link|<img|@import", report_page(REPORT))
