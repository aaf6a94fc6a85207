"""The engine: chooses what a release withholds so that no attacker can rebuild it."""

from disclosure.engine.protect import Protection, protect_release

__all__ = ["Protection", "protect_release"]
