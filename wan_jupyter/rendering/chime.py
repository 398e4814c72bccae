"""A short sound for the end of a job: two rising tones, synthesized here so that nothing is downloaded."""

from __future__ import annotations

import io
import math
import wave
from functools import cache

from .html import Html, attribute, base64_text

RATE = 8000  # samples per second, 8 bits each
TONES = ((660.0, 0.14), (880.0, 0.24))  # hertz and seconds
SOUND_SECONDS = sum(seconds for _, seconds in TONES)


@cache
def sound() -> Html:
    """Return an `<audio>` element that plays once when it is shown, if the browser allows pages to play sound."""
    source = f"data:audio/wav;base64,{base64_text(_wav())}"
    return Html(f"<audio autoplay{attribute('class_', 'wan-sound')}{attribute('src', source)}></audio>")


def _wav() -> bytes:
    sink = io.BytesIO()
    with wave.open(sink, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(RATE)
        file.writeframes(b"".join(_tone(hertz, seconds) for hertz, seconds in TONES))
    return sink.getvalue()


def _tone(hertz: float, seconds: float) -> bytes:
    count = round(RATE * seconds)
    return bytes(round(128 + 50 * (1 - n / count) * math.sin(2 * math.pi * hertz * n / RATE)) for n in range(count))
