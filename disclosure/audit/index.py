"""From values of areas to classes of an index: the auditor's own arithmetic.

It shares parts, weights and limits with the rule of the warehouse (`rule_index*`), never its code.
Many tables are worked out at once. Which tables are tried is a matter of `twins`.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

NO_CLASS = -1
_AT_ONCE = 4_000_000
"""So many comparisons of areas with areas are held in memory at once."""


@dataclass(frozen=True)
class Part:
    """An indicator in an index.

    Attributes:
        burden: 1 if a high value is a burden, −1 if it is good.
        weight: within its domain.
        domain: where it counts; parts of one domain are added up.
        domain_weight: that of the domain.
    """

    indikator_id: str
    burden: int
    weight: float
    domain: str
    domain_weight: float


@dataclass(frozen=True)
class Limits:
    """A class: above `ueber`, up to `bis`; None is open, and each may be included or not."""

    klasse: str
    ueber: float | None
    bis: float | None
    with_ueber: bool
    with_bis: bool


@dataclass(frozen=True)
class IndexRule:
    """An index as it is declared.

    Attributes:
        exponential: domains are ranked and transformed; otherwise z-values are added up.
        by_share: classes are limits of the share of areas that are as deprived or more; otherwise
            of the index itself.
        most_missing: so many missing parts count as the mean of the areas.
        classes: its classes; no value belongs to two.
    """

    index_id: str
    exponential: bool
    by_share: bool
    most_missing: int
    parts: tuple[Part, ...]
    classes: tuple[Limits, ...]


def index_classes(
    rule: IndexRule, values: "np.ndarray", reference: "np.ndarray", excluded: "np.ndarray"
) -> "np.ndarray":
    """Return the classes of areas that are measured on one scale.

    Args:
        rule: the index.
        values: of every area and part as delivered or as a rate, NaN where there is none; shape
            (tables, areas, parts).
        reference: which areas make the scale, shape (areas,).
        excluded: which areas take no part, shape (areas,).

    Returns:
        The number of the class in `rule.classes`, `NO_CLASS` without one; shape (tables, areas).
    """
    import numpy as np

    burden = values * np.array([part.burden for part in rule.parts], dtype=np.float64)
    missing = np.isnan(burden).sum(axis=2)
    takes_part = (missing <= rule.most_missing) & (missing < len(rule.parts)) & ~excluded
    burden = np.where(takes_part[:, :, None], burden, np.nan)
    scores = np.nan_to_num(_standardised(burden, reference))
    names = list(dict.fromkeys(part.domain for part in rule.parts))
    share = np.zeros((len(rule.parts), len(names)))
    for row, part in enumerate(rule.parts):
        share[row, names.index(part.domain)] = part.weight
    points = np.where(takes_part[:, :, None], scores @ share, np.nan)
    if rule.exponential:
        ranks = _rank_shares(points, reference)
        points = -23 * np.log(1 - np.minimum(1, ranks) * (1 - np.exp(-100 / 23)))
    weight = {part.domain: part.domain_weight for part in rule.parts}
    total = points @ np.array([weight[name] for name in names])
    if not rule.exponential:
        total = _standardised(total[:, :, None], reference)[:, :, 0]
    return _classed(rule, _shares_above(total, reference) if rule.by_share else total)


def _standardised(values: "np.ndarray", reference: "np.ndarray") -> "np.ndarray":
    """Return z-values by mean and population SD of the reference; NaN where there is no spread."""
    import numpy as np

    own = values[:, reference]
    count = (~np.isnan(own)).sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nansum(own, axis=1, keepdims=True) / count
        spread = np.sqrt(np.nansum((own - mean) ** 2, axis=1, keepdims=True) / count)
        return np.where(spread > 0, (values - mean) / spread, np.nan)


def _compared(values: "np.ndarray", reference: "np.ndarray") -> tuple["np.ndarray", "np.ndarray"]:
    """Return how many of the reference are at most as large, and how many are equal.

    `values` has the shape (tables, areas), and so have the results.
    """
    import numpy as np

    own = values[:, reference]
    at_most, equal = np.zeros(values.shape), np.zeros(values.shape)
    step = max(1, _AT_ONCE // max(1, values.shape[1] * own.shape[1]))
    for start in range(0, len(values), step):
        some = slice(start, start + step)
        at_most[some] = (own[some, None, :] <= values[some, :, None]).sum(axis=2)
        equal[some] = (own[some, None, :] == values[some, :, None]).sum(axis=2)
    return at_most, equal


def _rank_shares(points: "np.ndarray", reference: "np.ndarray") -> "np.ndarray":
    """Return rank over number in every domain; equal ones share the mean of their ranks."""
    import numpy as np

    shares = np.empty(points.shape)
    for domain in range(points.shape[2]):
        own = points[:, :, domain]
        at_most, equal = _compared(own, reference)
        count = (~np.isnan(own[:, reference])).sum(axis=1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            ranks = (at_most - (equal - 1) / 2) / count
        shares[:, :, domain] = np.where(np.isnan(own), np.nan, ranks)
    return shares


def _shares_above(total: "np.ndarray", reference: "np.ndarray") -> "np.ndarray":
    """Return the share of the reference that is as large or larger; equal ones the best rank."""
    import numpy as np

    at_most, _ = _compared(total, reference)
    count = (~np.isnan(total[:, reference])).sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(np.isnan(total), np.nan, (count - at_most + 1) / count)


def _classed(rule: IndexRule, measure: "np.ndarray") -> "np.ndarray":
    import numpy as np

    classes = np.full(measure.shape, NO_CLASS)
    for number, limits in enumerate(rule.classes):
        inside = ~np.isnan(measure)
        if limits.ueber is not None:
            above = measure >= limits.ueber if limits.with_ueber else measure > limits.ueber
            inside &= above
        if limits.bis is not None:
            inside &= measure <= limits.bis if limits.with_bis else measure < limits.bis
        classes[inside] = number
    return classes
