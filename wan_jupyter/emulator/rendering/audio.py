"""The quiet chord under clips of models with sound, made of tones that loop without a seam."""

from __future__ import annotations

import math
from array import array

RATE = 24_000  # samples a second: plenty for low tones, and half the work in plain Python
LOOP_SECONDS = 2
LOUDNESS = 0.11  # of full scale
# Tones in whole periods of the loop, how loud each is, and how often it swells within the loop.
TONES = ((220, 1.0, 1), (330, 0.7, 2), (440, 0.5, 1), (554, 0.34, 1), (660, 0.22, 2))
FADE_SECONDS = 0.6


def chord(seconds: float) -> array[int]:
    """Return that many seconds of mono 16-bit samples at 24 kHz, faded in and out."""
    total = round(seconds * RATE)
    loop = _loop(min(total, LOOP_SECONDS * RATE))
    samples = (loop * (total // max(1, len(loop)) + 1))[:total]
    fade = min(round(FADE_SECONDS * RATE), total // 2)
    for index in range(fade):
        level = (1 - math.cos(math.pi * index / fade)) / 2
        samples[index] = int(samples[index] * level)
        samples[-1 - index] = int(samples[-1 - index] * level)
    return samples


def _loop(length: int) -> array[int]:
    mixed = [0.0] * length
    for periods, volume, swells in TONES:
        step = math.tau * periods / LOOP_SECONDS / RATE
        swell = math.tau * swells / LOOP_SECONDS / RATE
        for index in range(length):
            mixed[index] += volume * math.sin(step * index) * (0.7 + 0.3 * math.sin(swell * index))
    scale = 32767 * LOUDNESS / sum(volume for _, volume, _ in TONES)
    return array("h", (int(value * scale) for value in mixed))
