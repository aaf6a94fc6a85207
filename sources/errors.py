"""What can be wrong with a delivery as a whole. What is wrong with a row is a reason in
its quarantine, never an exception."""


class DeliveryError(Exception):
    """A delivery that cannot be accepted.

    The message names feed and file, what was expected, what was found and what to do; it
    never holds a value of a row.

    Args:
        feed: the feed.
        file: the file's name, without its folder.
        expected: what the contract says.
        found: what the file shows.
        remedy: what the operator or the partner should do.
    """

    def __init__(self, feed: str, file: str, *, expected: str, found: str, remedy: str):
        """Put the message together."""
        self.expected, self.found, self.remedy = expected, found, remedy
        super().__init__(
            f"feed {feed}, file {file}: expected {expected}; found {found}. To do: {remedy}"
        )
