"""What an edition publishes: its tables and columns, as plain data.

Here belong the declarations that the writer, the content hash and the audit share. Not here:
reading them from the dbt manifest (orchestration), and any access to a file.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

AUDIENCES = ("fachlich", "oeffentlich")


@dataclass(frozen=True)
class PublishedColumn:
    """One published column.

    Attributes:
        name: name in the warehouse and in every form of the edition.
        type: DuckDB type, as declared in the model's contract.
        description: German, for readers of the edition.
        audience: `oeffentlich` (every form) or `fachlich` (marts and Parquet only).

    Raises:
        ValueError: the audience is neither of the two.
    """

    name: str
    type: str
    description: str
    audience: str

    def __post_init__(self) -> None:
        """Refuse an audience that nobody agreed on: it would decide who sees the column."""
        if self.audience not in AUDIENCES:
            raise ValueError(
                f"column {self.name}: expected an audience of {', '.join(AUDIENCES)}, found "
                f"{self.audience!r}; set it in the model's metadata"
            )


@dataclass(frozen=True)
class PublishedTable:
    """One published table.

    Attributes:
        name: name in every form of the edition.
        relation: where it stands in the warehouse, as `schema.table`.
        description: German, for readers of the edition.
        key: the columns that make up its grain.
        columns: the published columns, in published order.

    Raises:
        ValueError: the relation has no schema, a column is declared twice, or the key names an
            undeclared column.
    """

    name: str
    relation: str
    description: str
    key: tuple[str, ...]
    columns: tuple[PublishedColumn, ...]

    def __post_init__(self) -> None:
        """Refuse a declaration that no table could satisfy."""
        if self.relation.count(".") != 1:
            raise ValueError(
                f"{self.name}: expected a relation such as marts.{self.name}, found "
                f"{self.relation!r}; name the schema, too"
            )
        names = self.column_names
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(
                f"{self.name}: expected each column once, found {', '.join(repeated)} again; "
                "remove the repetition from the model"
            )
        unknown = [name for name in self.key if name not in names]
        if unknown:
            raise ValueError(
                f"{self.name}: expected a key of published columns, found {', '.join(unknown)}; "
                "publish these columns or mend the key"
            )

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of the columns, in published order."""
        return tuple(column.name for column in self.columns)

    def public_columns(self) -> tuple[str, ...]:
        """The names of the columns that everyone may see."""
        return tuple(column.name for column in self.columns if column.audience == "oeffentlich")


def table_named(tables: Sequence[PublishedTable], name: str) -> PublishedTable:
    """Return the declaration of one table.

    Raises:
        ValueError: no table of that name is declared.
    """
    for table in tables:
        if table.name == name:
            return table
    declared = ", ".join(table.name for table in tables) or "none"
    raise ValueError(
        f"{name}: expected among the published tables, found {declared}; "
        "declare the model as published"
    )


def widened(tables: Sequence[PublishedTable], manifest: Mapping) -> list[str]:
    """Return the columns that are for everyone today and were not when an edition was published.

    Its gates never saw them as such, so nothing that is made from it later may show them.

    Args:
        tables: today's declarations.
        manifest: of the edition.

    Returns:
        `table.column`, in order.
    """
    then = {name: set(told.get("oeffentlich", ())) for name, told in manifest["tables"].items()}
    return sorted(
        f"{table.name}.{column}"
        for table in tables
        for column in table.public_columns()
        if column not in then.get(table.name, ())
    )


def quoted(*parts: str) -> str:
    """Return the parts of a name as a quoted SQL identifier: `"marts"."mart_index"`."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def quoted_list(names: Iterable[str]) -> str:
    """Return names as a comma-separated list of quoted SQL identifiers."""
    return ", ".join(map(quoted, names))


def literal(text: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
