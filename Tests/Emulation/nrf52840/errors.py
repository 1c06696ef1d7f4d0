"""Why a run ends: what firmware must not do, and what this model does not know."""

from __future__ import annotations


class ModelError(Exception):
    """Ends a run. The model's messages name the register and, where there is one, the rule."""


class Violation(ModelError):
    """The firmware did what the chip forbids, or leaves undefined. Silicon would go on somehow; a test must not."""


class NotModelled(ModelError):
    """The firmware asked for something that silicon does and this model does not."""


class PowerCut(Exception):
    """The power went away, as somebody had asked for. `Machine.power_on` goes on from what the flash holds."""
