"""What `make bench` watches a page with: it counts, and it sees whether the page stands still."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.frames import cells, compare, rows, watch

from .conftest import Service


def test_frames_messages_and_videos_are_counted(notebook: Any, service: Service, tmp_path: Path) -> None:
    """Idle, under way, coming in: frames each time, messages as soon as there are jobs, a video for each at the end."""
    lab = notebook(*cells(service, tmp_path / "home", 2))
    idle, under_way, coming = compare(lab, service, 2, 1.0)
    assert min(seen.rate for seen in (idle, under_way, coming)) > 1
    assert (idle.messages, idle.videos, under_way.videos, coming.videos) == (0, 0, 0, 2)
    assert coming.messages > 0
    assert len(list(rows(idle, coming))) == 4


def test_a_page_that_stands_still_is_seen(notebook: Any, page: Any) -> None:
    """A script that holds the page for a third of a second is one long task, and the worst frame."""
    lab = notebook("1 + 1")
    hold = "() => { const end = performance.now() + 300; while (performance.now() < end); }"
    page.evaluate(f"() => {{ setTimeout({hold}, 300); }}")
    seen = watch(lab, 1.0)
    assert max(seen.long) >= 300
    assert max(seen.frames) >= 250
