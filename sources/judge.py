"""What a contract demands of a row, as SQL over a delivery's cells.

Each query here is text; running it, and what becomes of the rows, is `delivery.py`. A cell is
seen twice: `__name` is its trimmed text, `name` the value that is landed.
"""

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from sources.contract import KREIS, Column, Condition, Feed, Mark, Note, date_format_of
from sources.layouts import Layout
from sources.region import Region, Repair

if TYPE_CHECKING:
    import pyarrow as pa

KEY_VARIABLE = "pseudonym_key"
"""The SQL variable that holds the key of a delivery's hashes; no query text holds it."""

PSEUDONYM_LENGTH = 20
MANY_CODES = 12
"""A longer code list is joined: a chain of that many comparisons is slow."""

EMPTY_DATES = ("00000000", "00.00.0000", "0000-00-00")
# Of a wrong encoding tell: the replacement character, control characters that no text has, and
# the two characters that an umlaut of UTF-8 becomes in Latin-1 or Windows-1252.
GARBLED = r"[\x{FFFD}\x{80}-\x{9F}]|Ã[\x{A0}-\x{BF}Ÿ„–œŒ]"
DIGITS = "-?[0-9]{1,15}"

Reason = tuple[str, str]
"""What is wrong with a row, naming columns and never a value, and the SQL that finds it."""


@dataclass(frozen=True)
class Reference:
    """Landed rows of another feed that this one is checked against."""

    feed: Feed
    delivery_ids: tuple[str, ...]
    rows: "pa.Table"


@dataclass(frozen=True)
class Terms:
    """On which terms the rows of one delivery are taken.

    Attributes:
        delivery_id: names the delivery in every landed row.
        liefereinheit: who delivers.
        stichtag: the reference date.
        kommunen: the municipalities that the Liefereinheit serves and the agreement covers;
            none: all of the county.
        key: key of the hashes that stand for identifiers; needed if the feed has any.
        previous: landed rows of the delivery before, if there is one.
    """

    delivery_id: str
    liefereinheit: str
    stichtag: date
    kommunen: tuple[str, ...] = ()
    key: bytes | None = None
    previous: Path | None = None


@dataclass(frozen=True)
class Case:
    """Everything that decides about the rows of one delivery.

    `delivered` are the columns that the table has, `beyond_ascii` those with other letters.
    """

    feed: Feed
    layout: Layout
    terms: Terms
    region: Region
    references: Mapping[str, Reference]
    delivered: frozenset[str]
    beyond_ascii: frozenset[str]

    @property
    def conditions(self) -> list[Condition]:
        """The conditions of the feed's marks, each once."""
        marks = (m for column in self.feed.columns for m in column.marks if m.when)
        return list(dict.fromkeys(mark.when for mark in marks))

    @property
    def notes(self) -> list[Note]:
        """The notes that speak of the delivery's Stichtag."""
        return [note for note in self.feed.notes if self.terms.stichtag in note.stichtage]

    @property
    def repairs(self) -> tuple[Repair, ...]:
        """The declared repairs."""
        return self.region.repairs_of(self.feed)

    @property
    def key_names(self) -> list[str]:
        """Under which names the judged rows hold the key."""
        plain = {c.name for c in self.feed.columns if c.type == "text" and not c.codes}
        landed = {column.name for column in self.feed.landed_columns}
        return [n if n in plain & landed else f"__key_{n}" for n in self.feed.key]

    @property
    def areas(self) -> Reference | None:
        """The landed areas that a key column must speak of."""
        spatial = self.feed.spatial
        if spatial.kind != "schluessel":
            return None
        for reference in self.references.values():
            other = reference.feed.spatial
            if other.kind == "flaeche" and other.ebene == spatial.ebene:
                return reference
        return None


def literal(text: str) -> str:
    """Return a text as SQL."""
    return "'" + text.replace("'", "''") + "'"


def _listed(values: Iterable[str]) -> str:
    return ", ".join(map(literal, values))


# --- cells as text --------------------------------------------------------------------------


def text_query(case: Case, source: str = "raw") -> str:
    """Return the cells of a trimmed table as text: lost zeros filled up, repairs applied."""
    cells = ", ".join(f"{_text(case, column)} as __{column.name}" for column in case.feed.columns)
    extra = "".join(f", {flag} as {name}" for name, (_, flag) in repair_flags(case).items())
    area = ", area_m2" if "area_m2" in case.delivered else ""
    return f"select row_number, {cells}{area}{extra} from {source}"


def _text(case: Case, column: Column) -> str:
    if column.name not in case.delivered:
        return "null::varchar"
    if column.type == "geometry":
        return column.name
    text = _filled(column.name)
    if column.type == "date":
        text = f"case when {text} in ({_listed(EMPTY_DATES)}) then null else {text} end"
    if width := case.layout.pad.get(column.name):
        filled = f"lpad({text}, {width}, '0')"
        text = f"case when {_has_lost_zeros(column.name, width)} then {filled} else {text} end"
    for repair in case.repairs:
        if column.name in repair.set:
            new = literal(repair.set[column.name])
            text = f"case when {_is_meant(repair)} then {new} else {text} end"
    return text


def _filled(name: str) -> str:
    return f"nullif({name}, '')"


def _has_lost_zeros(name: str, width: int) -> str:
    """A number, or the number before a hyphen, that a spreadsheet took for one."""
    text = _filled(name)
    return f"length({text}) < {width} and regexp_full_match({text}, '[0-9]+(-[0-9]+)?')"


def _is_meant(repair: Repair) -> str:
    parts = [f"{column} = {literal(value)}" for column, value in repair.where.items()]
    if repair.inside:
        west, south, east, north = repair.inside
        parts.append(f"point_x between {west} and {east} and point_y between {south} and {north}")
    return " and ".join(parts) or "true"


def repair_flags(case: Case) -> dict[str, tuple[str, str]]:
    """Return the repairs of text: name of a flag -> (what was repaired, SQL for a repaired row)."""
    wanted = [(repair.id, _is_meant(repair)) for repair in case.repairs]
    wanted += [
        (f"leading zeros of {name}", _has_lost_zeros(name, width))
        for name, width in case.layout.pad.items()
        if name in case.delivered
    ]
    return {f"__repair_{n}": repair for n, repair in enumerate(wanted)}


# --- values ---------------------------------------------------------------------------------


def values_query(case: Case, source: str = "raw") -> str:
    """Return text, states and values of all cells: the text with `name` and `name__zustand`."""
    columns = case.feed.columns
    states = [
        f"{_state(case, column)} as {column.name}__zustand"
        for column in columns
        if case.feed.has_state(column)
    ]
    values = [f"{_value(case, column)} as {column.name}" for column in columns]
    stated = f"select *{''.join(f', {state}' for state in states)} from ({_joined(case, source)})"
    return f"select *, {', '.join(values)} from ({stated})"


def _joined(case: Case, source: str) -> str:
    """The text beside everything that is looked up for it."""
    found, joins = ["cells.*"], []
    for number in range(len(case.conditions)):
        found.append(f"condition_{number}.holds as __holds_{number}")
        joins.append(f"left join condition_{number} using (row_number)")
    for column in case.feed.columns:
        if _is_joined(column):
            pairs = ", ".join(f"({literal(d)}, {literal(c)})" for d, c in column.codes.items())
            table = f"codes_{column.name}"
            found.append(f"{table}.code as __code_{column.name}")
            joins.append(
                f"left join (values {pairs}) as {table}(delivered, code) "
                f"on {table}.delivered = cells.__{column.name}"
            )
    query = (
        f"select {', '.join(found)} from ({text_query(case, source)}) as cells {' '.join(joins)}"
    )
    return _beside_the_last(case, query) if _remembered(case) else query


def _beside_the_last(case: Case, query: str) -> str:
    """Put the values of the delivery before beside the rows with the same key."""
    keys = [name for name in case.feed.key if name != case.feed.stichtag.column]
    before = [f"{column.name} as __before_{column.name}" for column in _remembered(case)]
    landed = ", ".join([*(f"{name} as __last_{name}" for name in keys), *before])
    same = " and ".join(
        f"__last_{name} is not distinct from {_plain(case, _column(case, name))}" for name in keys
    )
    path = literal(str(case.terms.previous))
    last = f"(select {landed} from read_parquet({path})) as previous"
    return f"select found.*, previous.* from ({query}) as found left join {last} on {same}"


def _column(case: Case, name: str) -> Column:
    return next(column for column in case.feed.columns if column.name == name)


def _is_joined(column: Column) -> bool:
    return len(column.codes or ()) > MANY_CODES and not column.separator


def _remembered(case: Case) -> list[Column]:
    """Columns in which a mark for zero is judged by the value of the delivery before."""
    if case.terms.previous is None:
        return []
    return [column for column in case.feed.columns if column.minimum_before is not None]


def _state(case: Case, column: Column) -> str:
    """The state that a cell has by a note, by the value before, or by its mark; else NULL."""
    branches = [
        f"when {_note_holds(case, note)} then {literal(note.state)}"
        for note in case.notes
        if column.name in note.columns
    ]
    if flag := zero_after_value(case, column):
        branches.append(f"when {flag} then 'pending'")
    branches += [
        f"when {_decided(case, column, mark)} then {literal(mark.state)}" for mark in column.marks
    ]
    return f"case {' '.join(branches)} end" if branches else "null::varchar"


def _decided(case: Case, column: Column, mark: Mark) -> str:
    holds = f" and __holds_{case.conditions.index(mark.when)}" if mark.when else ""
    return f"{_is_mark(column, mark)}{holds}"


def _note_holds(case: Case, note: Note) -> str:
    parts = [
        f"{_plain(case, _column(case, name))}::varchar = {literal(value)}"
        for name, value in note.where.items()
    ]
    return " and ".join(parts) or "true"


def zero_after_value(case: Case, column: Column) -> str | None:
    """Return SQL for a mark of zero after a large value, if the column is judged by that."""
    zeros = [mark for mark in column.marks if mark.state == "zero"]
    if column not in _remembered(case) or not zeros:
        return None
    marks = " or ".join(_decided(case, column, mark) for mark in zeros)
    return f"(({marks}) and __before_{column.name} >= {column.minimum_before})"


def _is_mark(column: Column, mark: Mark) -> str:
    """A mark that is a number counts in any spelling of it; an empty one is an empty cell."""
    text = f"__{column.name}"
    if mark.regex:
        return f"regexp_full_match({text}, {literal(mark.mark)})"
    if not mark.mark.strip():
        return f"{text} is null"
    same = f"{text} = {literal(mark.mark.strip())}"
    if column.type in ("integer", "decimal") and mark.mark.isdigit():
        return f"({same} or try_cast(replace({text}, ',', '.') as double) = {mark.mark})"
    return same


def _value(case: Case, column: Column) -> str:
    """The landed value of a cell; NULL where there is none or a mark stands for none."""
    value = _placed(case, column) if column.name == case.feed.spatial.column else None
    value = value or _plain(case, column)
    if column.sensitivity == "identifier":
        value = pseudonym(value)
    if not case.feed.has_state(column):
        return value
    state = f"{column.name}__zustand"
    is_number = column.type in ("integer", "decimal")
    zero = f"when {state} in ('zero', 'rounded_zero') then 0" if is_number else ""
    return f"case {zero} when {state} <> 'flagged' then null else {value} end"


def key_text(key: bytes) -> str:
    """Return a key as it stands before a value: 192 bits, so that with a usual identifier both
    fit into one block of the hash.
    """
    return urlsafe_b64encode(key[:24]).decode()


def pseudonym(text: str) -> str:
    """Return SQL for the keyed hash of an identifier; NULL stays NULL."""
    return f"left(sha256(getvariable('{KEY_VARIABLE}') || {text}), {PSEUDONYM_LENGTH})"


def _placed(case: Case, column: Column) -> str | None:
    """Keys that say `no area` or `the total` become those of their Kommune."""
    spatial, text = case.feed.spatial, f"coalesce(__{column.name}, '')"
    branches = []
    if spatial.ohne:
        branches.append(
            f"when {text} in ({_listed(spatial.ohne)}) then {_kommune(case)} || '-ohne'"
        )
    if spatial.gesamt:
        whole = _kommune(case)
        if case.terms.liefereinheit == KREIS:
            whole = f"coalesce({whole}, {literal(case.region.kreis_id)})"
        branches.append(f"when {text} in ({_listed(spatial.gesamt)}) then {whole}")
    return f"case {' '.join(branches)} else {_plain(case, column)} end" if branches else None


def _kommune(case: Case) -> str:
    """The Kommune of a row: that of its column, or the only one that is delivered for."""
    if case.feed.spatial.kommune:
        return _plain(case, _column(case, case.feed.spatial.kommune))
    if len(case.terms.kommunen) == 1:
        return literal(case.terms.kommunen[0])
    return "null::varchar"


def _plain(case: Case, column: Column) -> str:
    """The value of a cell if it holds no mark."""
    text = f"__{column.name}"
    if flagged := [mark for mark in column.marks if mark.regex]:
        inner = " ".join(
            f"when {_is_mark(column, m)} then regexp_extract({text}, {literal(m.mark)}, 1)"
            for m in flagged
        )
        text = f"case {inner} else {text} end"
    if column.separator:
        return _parts(column, text)
    if _is_joined(column):
        return f"__code_{column.name}"
    if column.codes is not None:
        return _code(column, text)
    if column.type == "date":
        return f"try_strptime({text}, {literal(date_format_of(case.layout, column))})::date"
    if column.type in ("integer", "decimal"):
        return _number(case.layout, column, text)
    return text


def _code(column: Column, text: str) -> str:
    cases = " ".join(f"when {literal(d)} then {literal(c)}" for d, c in column.codes.items())
    return f"case {text} {cases} end"


def _parts(column: Column, text: str) -> str:
    """Several codes in one cell; one that is unknown makes the whole cell unread."""
    split = (
        f"list_filter(string_split({text}, {literal(column.separator)}), part -> trim(part) <> '')"
    )
    code = _code(column, "trim(part)") if column.codes is not None else "trim(part)"
    parts = f"list_transform({split}, part -> {code})"
    known = f"len(list_filter({parts}, part -> part is null)) = 0"
    return f"case when {known} then array_to_string({parts}, ',') end"


def _number(layout: Layout, column: Column, text: str) -> str:
    """A number as agreed, less the layout's offset where the value has it."""
    whole, plain = "[0-9]+", text
    if layout.thousands:
        whole = f"([0-9]{{1,3}}([{layout.thousands}][0-9]{{3}})+|[0-9]+)"
        plain = f"replace({text}, {literal(layout.thousands)}, '')"
    if layout.decimal == ",":
        plain = f"replace({plain}, ',', '.')"
    form = f"-?{whole}([{layout.decimal}][0-9]+)?([eE]-?[0-9]+)?"
    number = f"try_cast({plain} as double)"
    number = (
        f"case when regexp_full_match({text}, '{form}') and isfinite({number}) then {number} end"
    )
    if offset := layout.offsets.get(column.name):
        number = f"({number}) - case when ({number}) >= {offset} then {offset} else 0 end"
    if column.type == "decimal":
        return number
    whole_number = f"({number}) = floor({number}) and abs({number}) < 1e15"
    slow = f"case when {whole_number} then try_cast({number} as bigint) end"
    if offset:
        return slow
    return f"case when regexp_full_match({text}, '{DIGITS}') then {text}::bigint else {slow} end"


# --- reasons --------------------------------------------------------------------------------


def reasons(case: Case) -> list[Reason]:
    """Return everything that may be wrong with one row, as SQL over `values_query`."""
    found = [*_place_reasons(case), *_stichtag_reasons(case)]
    for column in case.feed.columns:
        found += [*_column_reasons(case, column), *_undecided_marks(case, column)]
    return found


def _column_reasons(case: Case, column: Column) -> Iterator[Reason]:
    name, text = column.name, f"__{column.name}"
    stated = case.feed.has_state(column)
    state = f"{name}__zustand"
    no_state = f" and coalesce({state}, 'flagged') = 'flagged'" if stated else ""
    kind = "in the code list" if column.codes is not None else f"a value of type {column.type}"
    if column.codes is None and _words_of(case, column):
        kind = "an area, and no Kommune is known that it could be counted for"
    yield f"{name}: not {kind}", f"{text} is not null and {name} is null{no_state}"
    if column.required and name not in case.layout.lacks:
        unexplained = f" and {state} is null" if stated else ""
        yield f"{name}: missing", f"{text} is null and {name} is null{unexplained}"
    if column.pattern:
        words = _words_of(case, column)
        exempt = f" and {text} not in ({_listed(words)})" if words else ""
        exempt += f" and {state} is null" if stated else ""
        fits = f"regexp_full_match({text}, {literal(column.pattern)})"
        yield f"{name}: does not fit the agreed pattern", f"not {fits}{exempt}"
    for word, sign, limit in (("below", "<", column.minimum), ("above", ">", column.maximum)):
        if limit is not None:
            yield f"{name}: {word} the agreed limit of {limit:g}", f"{name} {sign} {limit}"


def _words_of(case: Case, column: Column) -> tuple[str, ...]:
    """What may stand in a key column and is no key."""
    spatial = case.feed.spatial
    return (*spatial.ohne, *spatial.gesamt) if column.name == spatial.column else ()


def _undecided_marks(case: Case, column: Column) -> Iterator[Reason]:
    """A conditional mark without a row to decide it is never read as a value."""
    for mark in column.marks:
        if mark.when:
            yield (
                f"{column.name}: a mark that {mark.when.feed} has no row to decide",
                f"{_is_mark(column, mark)} and __holds_{case.conditions.index(mark.when)} is null",
            )


def _stichtag_reasons(case: Case) -> Iterator[Reason]:
    rule = case.feed.stichtag
    if rule.column:
        agreed = literal(case.terms.stichtag.strftime(rule.column_format))
        yield (
            f"{rule.column}: not the Stichtag that the file name says",
            f"__{rule.column} is distinct from {agreed}",
        )


def _place_reasons(case: Case) -> Iterator[Reason]:
    spatial, bounds = case.feed.spatial, case.region.grenzen
    if case.areas is not None:
        yield (
            f"{spatial.column}: no such area at level {spatial.ebene}",
            f"{spatial.column} is not null "
            f"and {spatial.column} not in (select raum_id from known_areas)",
        )
    if spatial.kind == "flaeche":
        shape = next(c.name for c in case.feed.columns if c.type == "geometry")
        yield f"{shape}: a shape without an area", "coalesce(area_m2, 1) = 0"
    if spatial.grenzen and bounds:
        west, south, east, north = bounds
        yield (
            f"{spatial.x}, {spatial.y}: coordinates outside the county's bounds",
            f"not ({spatial.x} between {west} and {east} "
            f"and {spatial.y} between {south} and {north})",
        )
    yield from _kommune_reasons(case)


def _kommune_reasons(case: Case) -> Iterator[Reason]:
    """Rows of municipalities that are not delivered for, or that the agreement does not cover."""
    spatial = case.feed.spatial
    served = case.terms.kommunen or tuple(k.kommune_id for k in case.region.kommunen)
    fault = f"a Kommune that {case.terms.liefereinheit} does not serve"
    if spatial.kommune and served:
        column = spatial.kommune
        yield f"{column}: {fault}", f"{column} not in ({_listed(served)})"
    if spatial.kind == "schluessel" and case.terms.kommunen:
        prefix = next((lv.prefix for lv in case.region.levels if lv.ebene == "kommune"), None)
        if prefix and spatial.column != spatial.kommune:
            column = f"left({spatial.column}, {prefix})"
            yield f"{spatial.column}: {fault}", f"{column} not in ({_listed(served)})"


def known_areas(case: Case) -> str:
    """Return SQL for every key that a row may name: areas, `<kommune>-ohne`, totals."""
    areas = case.areas
    parts = [f"select {areas.feed.key[0]} as raum_id from ref_{areas.feed.feed}"]
    kommunen = [kommune.kommune_id for kommune in case.region.kommunen]
    beside = [f"{kommune}-ohne" for kommune in kommunen]
    if case.feed.spatial.gesamt:
        beside += [*kommunen, case.region.kreis_id]
    if beside:
        parts.append(f"select unnest([{_listed(beside)}])")
    return " union all ".join(parts)


# --- judged rows ----------------------------------------------------------------------------


def judged_query(case: Case, landed: Iterable[str]) -> str:
    """Return each row's landed cells and flags: `bad`, `__garbled`, repairs and notes.

    Reasons are told for bad rows only, by `bad_query`.
    """
    wrong = " or ".join(f"({condition})" for _, condition in reasons(case)) or "false"
    cells = [_landed(case, name) for name in landed]
    keys = [
        f"coalesce({name}::varchar, __{name}) as {kept}"
        for name, kept in zip(case.feed.key, case.key_names, strict=True)
        if kept != name
    ]
    flags = [*repair_flags(case), *(f"{sql} as {n}" for n, (_, sql) in value_flags(case).items())]
    return (
        f"select row_number, {', '.join([*cells, *keys, *flags])}, "
        f"case when {wrong} then true else false end as bad, {_garbled(case)} as __garbled "
        f"from ({values_query(case)})"
    )


def _landed(case: Case, name: str) -> str:
    return "area_m2 / 1e6 as flaeche_km2" if name == "flaeche_km2" else name


def value_flags(case: Case) -> dict[str, tuple[str, str]]:
    """Return what else is counted: name of a flag -> (what it tells, SQL for such a row)."""
    flags = {
        f"__zero_{column.name}": (f"zero_after_value: {column.name}", flag)
        for column in case.feed.columns
        if (flag := zero_after_value(case, column))
    }
    for name, offset in case.layout.offsets.items():
        column = _column(case, name)
        flags[f"__offset_{name}"] = (
            f"offset of {name}",
            f"coalesce({name} is not null and {_has_offset(case, column, offset)}, false)",
        )
    for number, note in enumerate(case.notes):
        flags[f"__note_{number}"] = (note.id, f"coalesce({_note_holds(case, note)}, false)")
    return flags


def _has_offset(case: Case, column: Column, offset: float) -> str:
    plain = case.layout.model_copy(update={"offsets": {}})
    return f"({_number(plain, column, f'__{column.name}')}) >= {offset}"


def _garbled(case: Case) -> str:
    """Letters that are no letters: text was read in a wrong encoding."""
    tests = [
        f"regexp_matches(__{column.name}, {literal(GARBLED)})"
        for column in case.feed.landed_columns
        if column.type == "text" and column.name in case.beyond_ascii
    ]
    return f"coalesce({' or '.join(tests)}, false)" if tests else "false"


def twice_query(case: Case) -> str:
    """Return the rows whose key stands twice and that go: (row_number, reason).

    Of rows that agree in every cell the first stays. The table `doubled` holds the raw rows whose
    key is not the only one of its kind, `judged` their keys.
    """
    keys = ", ".join(f"judged.{name}" for name in case.key_names)
    cells = ", ".join(f"__{column.name}" for column in case.feed.landed_columns)
    named = f"key ({', '.join(case.feed.key)}): stands twice"
    return (
        f"with cells as ({text_query(case, 'doubled')}), told as ("
        f"select row_number, min(row_number) over same as first, "
        f"count(distinct row({cells})) over same as versions "
        f"from cells join judged using (row_number) window same as (partition by {keys})) "
        f"select row_number, case when versions = 1 then {literal(f'{named}, identical')} "
        f"else {literal(named)} end as reason "
        "from told where versions > 1 or row_number <> first"
    )


def bad_query(case: Case) -> str:
    """Return the rows of `raw_bad` as they were delivered, with all their reasons.

    Identifiers are hashed here too. The table `twice` holds the rows whose key stands twice.
    """
    listed = ", ".join(f"case when {when} then {literal(why)} end" for why, when in reasons(case))
    told = f"list_filter([twice.reason, {listed}], lambda reason: reason is not null) as reasons"
    shown = "".join(
        f", {pseudonym(f'__{c.name}') if c.sensitivity == 'identifier' else f'__{c.name}'}"
        f" as __shown_{c.name}"
        for c in case.feed.landed_columns
        if c.type != "geometry"
    )
    final = "".join(
        f", __shown_{c.name} as {c.name}" for c in case.feed.landed_columns if c.type != "geometry"
    )
    return (
        f"select row_number, reasons{final} from (select row_number, {told}{shown} "
        f"from ({values_query(case, 'raw_bad')}) left join twice using (row_number))"
    )
