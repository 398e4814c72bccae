"""What a video costs: from a row, or unknown; never guessed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.world import World, picture
from wan_jupyter.billing.pricing import Price, estimate
from wan_jupyter.catalog import plan
from wan_jupyter.media.image.reader import read_image
from wan_jupyter.request.options import VideoRequest


def price(model: str, tariff: str, resolution: str = "720P", seconds: float = 5, silent: bool = False) -> Price | None:
    rows = plan.models()[model].prices
    return estimate(rows, tariff=tariff, resolution=resolution, seconds=seconds, silent=silent)


def test_a_price_is_seconds_times_the_row() -> None:
    """With its currency, and when and where it was seen."""
    found = price("wan2.6-i2v", "cn", seconds=10)
    assert found
    assert (found.amount, found.currency, str(found)) == (6.0, "CNY", "6 CNY")
    assert found.seen
    assert found.source


def test_silence_is_cheaper_where_the_row_says_so() -> None:
    """`--no-audio` on 2.6-flash."""
    loud, silent = (price("wan2.6-i2v-flash", "cn", silent=how) for how in (False, True))
    assert loud
    assert silent
    assert (loud.amount, silent.amount) == (1.5, 0.75)


def test_a_resolution_without_a_row_has_no_price() -> None:
    """Unknown is said to be unknown."""
    assert price("wan2.6-i2v-flash", "intl", "1080P") is None


def test_the_emulator_is_free() -> None:
    """Whatever is asked of it."""
    assert estimate([], tariff="free", resolution="1080P", seconds=15, silent=False) == Price(0.0)
    assert str(Price(0.0)) == "0"


@pytest.mark.parametrize(
    ("model", "options", "amount"),
    [
        ("wan2.6-i2v-flash", {}, 0.25),
        ("wan2.6-i2v-flash", {"audio": False}, 0.125),
        ("wan2.6-i2v-flash", {"duration": 10}, 0.5),
        ("wan2.6-i2v", {"resolution": "1080P"}, 0.75),
        ("wan2.6-i2v-flash", {"resolution": "1080P"}, None),
        ("wan2.7-i2v", {"duration": 10}, 1.0),
        ("wan2.7-i2v", {"duration": 10, "first": None, "clip_url": "https://host/a.mp4"}, 1.0),  # the whole length
    ],
)
def test_a_dry_run_says_the_price(world: World, model: str, options: dict[str, Any], amount: float | None) -> None:
    """At the provider in use, in its currency."""
    session = world.session("dashscope-intl", key="sk-test")
    request = VideoRequest(**{"first": read_image(picture()), "model": model, **options})
    found = session.dry_run(request).price
    assert (found.amount if found else None) == (pytest.approx(amount) if amount else None)


def test_a_length_that_the_model_chooses_has_no_price() -> None:
    """-1 s is not a rebate."""
    row = {"tariff": "intl", "resolution": "720P", "currency": "USD", "per_second": 0.1, "seen": "2026", "source": "x"}
    assert estimate([row], tariff="intl", resolution="720P", seconds=-1.0, silent=False) is None
