"""Time is a whole number of picoseconds, so that runs repeat exactly: a cycle of 64 MHz is 15,625 of them."""

from __future__ import annotations

NANOSECOND = 1_000
MICROSECOND = 1_000_000
MILLISECOND = 1_000_000_000
SECOND = 1_000_000_000_000
#: The processor's clock, HCLK64M.
CYCLE = SECOND // 64_000_000


def low_frequency_ticks(time: int) -> int:
    """Whole periods of the 32.768 kHz clock in so much time."""
    return time * 32_768 // SECOND


def low_frequency_time(ticks: int) -> int:
    """When so many periods of the 32.768 kHz clock are surely over. A period is no whole number of picoseconds."""
    return -(-ticks * SECOND // 32_768)
