"""What may go wrong with a target. The words name no address and no secret."""


class TargetError(ValueError):
    """Refused: a person has to mend something, and no further try changes that."""


class TargetDown(OSError):
    """Unreachable, or broken off: a later run catches up."""
