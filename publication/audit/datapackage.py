"""The audit of CSV and Data Package: columns, every cell, and what the package claims of them.

Shares the names of files and columns with the writer and none of its steps.
"""

import json
import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from publication.audit.reading import PATH, count, open_marts, same_names
from publication.forms.datapackage import (
    FORMULA,
    PACKAGE,
    STATUS_COLUMNS,
    STATUSES,
    csv_name,
    public_tables,
)
from publication.material import Finished
from publication.tables import PublishedTable, literal, quoted, quoted_list

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

# what a type of Frictionless may be in the marts
MEANS = {
    "string": r"VARCHAR",
    "integer": r"(TINY|SMALL|BIG|HUGE)?INT(EGER)?",
    "number": r"DOUBLE|FLOAT|DECIMAL\(.*\)",
    "boolean": r"BOOLEAN",
    "date": r"DATE",
}


def names(finished: Finished) -> set[str]:
    """Return the files of this form."""
    return {PACKAGE, *map(csv_name, public_tables(finished.tables))}


def check(finished: Finished) -> Iterator[str]:
    """Compare columns and cells with the marts, and the package with both."""
    text = (finished.folder / PACKAGE).read_text("utf-8")
    package = json.loads(text)
    resources = {resource["name"]: resource for resource in package["resources"]}
    tables = {table.name: table for table in public_tables(finished.tables)}
    yield from _package(finished, package, text)
    yield from same_names(PACKAGE, "resources", tables, resources)
    with open_marts(finished.folder) as con:
        for name, table in tables.items():
            yield from _cells(con, finished.folder, table)
            if name in resources:
                yield from _file_facts(finished.folder, table, resources[name])
                yield from _schema(con, table, resources[name]["schema"], tables)


def _package(finished: Finished, package: Mapping, text: str) -> Iterator[str]:
    imprint, manifest = finished.imprint, finished.manifest
    expected = {
        "id": imprint.kennung,
        "title": imprint.titel,
        "version": manifest["edition_id"],
        "created": manifest["created_at"],
    }
    for key, value in expected.items():
        if package.get(key) != value:
            yield f"{PACKAGE}: expected the {key} of manifest.json, found another"
    if [licence.get("path") for licence in package.get("licenses", ())] != [imprint.lizenz_url]:
        yield f"{PACKAGE}: expected the licence of manifest.json, found another"
    if PATH.search(text):
        yield f"{PACKAGE}: expected no path of a machine, found one"


def _cells(con: "duckdb.DuckDBPyConnection", folder: Path, table: PublishedTable) -> Iterator[str]:
    """Compare every cell of a CSV with the mart; nothing and an empty text are different."""
    name, columns = csv_name(table), quoted_list(table.public_columns())
    declared = con.execute(f"SELECT {columns} FROM {quoted(table.name)} LIMIT 0").to_arrow_table()
    rows = _read(folder / name, declared.schema)
    yield from same_names(name, "columns", table.public_columns(), rows.column_names)
    if set(rows.column_names) != set(table.public_columns()):
        return
    if tuple(rows.column_names) != table.public_columns():
        yield f"{name}: expected the columns in declared order, found another order"
    con.register("read", rows)
    ours, theirs = f"SELECT {columns} FROM {quoted(table.name)}", f"SELECT {columns} FROM read"
    missing = count(con, f"SELECT count(*) FROM ({ours} EXCEPT ALL {theirs})")
    extra = count(con, f"SELECT count(*) FROM ({theirs} EXCEPT ALL {ours})")
    if missing or extra:
        yield (
            f"{name}: expected the rows of marts.duckdb, found {missing} rows missing and {extra} "
            "rows more"
        )
    yield from _formulas(con, name, declared.schema)


def _formulas(con: "duckdb.DuckDBPyConnection", name: str, schema: "pa.Schema") -> Iterator[str]:
    """Find texts of the registered `read` that a spreadsheet would calculate."""
    texts = [field.name for field in schema if str(field.type) in ("string", "large_string")]
    if not texts:
        return
    counts = ", ".join(
        f"count(*) FILTER (regexp_matches({quoted(text)}, {literal(FORMULA)}, 's'))"
        for text in texts
    )
    for text, found in zip(
        texts, con.execute(f"SELECT {counts} FROM read").fetchone(), strict=True
    ):
        if found:
            yield (
                f"{name}, column {text}: expected no text that a spreadsheet takes for a formula, "
                f"found {found}"
            )


def _read(path: Path, schema: "pa.Schema") -> "pa.Table":
    """Read a CSV with the marts' types by another reader than the one that wrote it."""
    from pyarrow import csv

    return csv.read_csv(
        path,
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=schema,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["true"],
            false_values=["false"],
        ),
    )


def _file_facts(folder: Path, table: PublishedTable, resource: Mapping) -> Iterator[str]:
    name = csv_name(table)
    content = (folder / name).read_bytes()
    if resource.get("path") != Path(name).name:
        yield f"{PACKAGE}, resource {table.name}: expected the path of its CSV, found another"
    found = (resource.get("bytes"), resource.get("hash"))
    if found != (len(content), f"sha256:{sha256(content).hexdigest()}"):
        yield f"{PACKAGE}, resource {table.name}: expected size and SHA-256 of {name}, found others"


def _schema(
    con: "duckdb.DuckDBPyConnection",
    table: PublishedTable,
    schema: Mapping,
    tables: Mapping[str, PublishedTable],
) -> Iterator[str]:
    """Compare fields, keys, references and constraints with what the marts hold."""
    name = f"{PACKAGE}, resource {table.name}"
    types = dict(
        con.execute(
            "SELECT column_name, data_type FROM duckdb_columns() "
            "WHERE table_name = ? AND database_name = 'marts'",
            [table.name],
        ).fetchall()
    )
    if tuple(field["name"] for field in schema["fields"]) != table.public_columns():
        yield f"{name}: expected the fields in the order of the public columns, found others"
        return
    if schema.get("missingValues") != [""]:
        yield f"{name}: expected nothing to stand for a missing value, found something"
    texts = {column.name: column.description for column in table.columns}
    for field in schema["fields"]:
        what = f"{name}, field {field['name']}"
        if not re.fullmatch(MEANS.get(field["type"], ""), types[field["name"]]):
            yield f"{what}: expected a type for {types[field['name']]}, found {field['type']}"
        if field.get("description") != texts[field["name"]]:
            yield f"{what}: expected the description of the column, found another"
        yield from _constraints(con, what, table, field)
    yield from _keys(con, name, table, schema, tables)


def _constraints(
    con: "duckdb.DuckDBPyConnection", what: str, table: PublishedTable, field: Mapping
) -> Iterator[str]:
    told, column = field.get("constraints", {}), quoted(field["name"])
    source = f"SELECT count(*) FROM {quoted(table.name)} WHERE {column}"
    if told.get("required") and count(con, f"{source} IS NULL"):
        yield f"{what}: expected a value in each row since it is required, found rows without"
    if field["name"] in STATUS_COLUMNS:
        listed = ", ".join(map(literal, told.get("enum", ())))
        if set(told.get("enum", ())) != set(STATUSES):
            yield f"{what}: expected the agreed statuses as its values, found others"
        elif count(con, f"{source} NOT IN ({listed})"):
            yield f"{what}: expected one of its values in each row, found others"


def _keys(
    con: "duckdb.DuckDBPyConnection",
    name: str,
    table: PublishedTable,
    schema: Mapping,
    tables: Mapping[str, PublishedTable],
) -> Iterator[str]:
    key = tuple(schema.get("primaryKey", ()))
    if key != (table.key if set(table.key) <= set(table.public_columns()) else ()):
        yield f"{name}: expected the key of the table if all of it is public, found another"
    for reference in schema.get("foreignKeys", ()):
        ours, target = reference["fields"], reference["reference"]
        if tables[target["resource"]].key != tuple(target["fields"]):
            yield f"{name}: expected references to the key of {target['resource']}, found another"
            continue
        orphans = count(
            con,
            f"SELECT count(*) FROM {quoted(table.name)} "
            f"ANTI JOIN (SELECT {quoted_list(target['fields'])} FROM {quoted(target['resource'])}) "
            f"AS target({quoted_list(ours)}) USING ({quoted_list(ours)})",
        )
        if orphans:
            yield (
                f"{name}: expected each row to refer to one of {target['resource']}, found "
                f"{orphans} that do not"
            )
