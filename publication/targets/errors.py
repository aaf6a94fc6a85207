"""How a target says that an edition has not arrived.

Texts name the object, what was expected, what was found and what to do; never a password.
"""


class TargetError(ValueError):
    """The target refuses: the edition, the place or the rights are not as they should be."""


class TargetDown(OSError):
    """The target cannot be reached or is busy; the same call may succeed later."""
