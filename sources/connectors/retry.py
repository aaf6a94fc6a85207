"""Patience with partners' servers: time-outs, and retries with back-off.

What counts as a passing disturbance, each connector says itself.
"""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

TIMEOUT = 30.0
"""Seconds without an answer after which a server counts as silent."""

TRIES = 4
FIRST_WAIT = 1.0
LONGEST_WAIT = 30.0


def patiently(work: Callable[[], T], passes: Callable[[BaseException], bool]) -> T:
    """Do `work`; after a disturbance that `passes` do it again, each time after a longer wait.

    Raises:
        BaseException: the last disturbance, when all tries are used up, or any other at once.
    """
    from tenacity import Retrying, retry_if_exception, stop_after_attempt
    from tenacity.wait import wait_exponential_jitter

    retrying = Retrying(
        stop=stop_after_attempt(TRIES),
        wait=wait_exponential_jitter(multiplier=FIRST_WAIT, max=LONGEST_WAIT, jitter=FIRST_WAIT),
        retry=retry_if_exception(passes),
        reraise=True,
    )
    return retrying(work)
