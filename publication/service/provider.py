"""A table of an edition as pygeoapi serves it: declared columns only, and no word of the database.

Here belongs what pygeoapi's own provider for PostgreSQL lacks: a fixed order of columns, their
German titles, the area's key among the properties, items named by several columns, tables without
geometry, and answers to wrong questions that tell nothing of the database. Not here: which columns
there are (`config`).
"""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from pygeoapi.provider.base import (
    ProviderConnectionError,
    ProviderGenericError,
    ProviderInvalidQueryError,
    ProviderQueryError,
)
from pygeoapi.provider.sql import PostgreSQLProvider
from pygeofilter import ast
from pygeofilter.backends.sqlalchemy.evaluate import to_filter
from sqlalchemy import Text, cast, false, func, select, true
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import registry

JOINT = "."  # between the values that name an item of a table with several key columns
REFUSED = "the query cannot be answered"
GONE = ("42P01", "42703", "42501", "3F000")
"""PostgreSQL: relation, column, right or schema missing: an edition is being replaced."""


class Unavailable(ProviderConnectionError):
    """The database does not answer, or not as it did at the start."""

    http_status_code = HTTPStatus.SERVICE_UNAVAILABLE


class EditionTable(PostgreSQLProvider):
    """One collection of an edition."""

    def __init__(self, provider_def: dict) -> None:
        """Connect; `provider_def` as `config` writes it, with `columns` and `key`."""
        self.declared = {name: labels for name, *labels in provider_def["columns"]}
        key = provider_def["key"]
        with _plain_errors():
            super().__init__({**provider_def, "id_field": key[0]})
            if len(key) > 1:
                self.id_field = provider_def["id_field"]
                self.table_model = _named_by(self.table_model, self.id_field, tuple(key))
        self.shaped = self.geom in self.table_model.__table__.columns
        self.editable = False

    def get_fields(self) -> dict:
        """Return the declared columns that the table has, in declared order, with their labels."""
        if not self._fields:
            found = dict(super().get_fields())
            self._fields.clear()
            for name, (title, description, _) in self.declared.items():
                if name in found:
                    self._fields[name] = {"title": title, **found[name]}
                    if description:
                        self._fields[name]["description"] = description
        return self._fields

    def query(self, **asked) -> dict:
        """Return items; a question that the database cannot answer is the questioner's error."""
        if asked.get("datetime_") and self.time_field is None:
            raise ProviderInvalidQueryError(
                user_msg="datetime: this collection has no such property"
            )
        with _plain_errors():
            return super().query(**asked)

    def get(self, identifier: str, **asked) -> dict:
        """Return one item."""
        with _plain_errors():
            return super().get(identifier, **asked)

    def _sqlalchemy_to_feature(self, item, crs_transform_out=None) -> dict:
        feature = super()._sqlalchemy_to_feature(item, crs_transform_out)
        loaded = {self.id_field: feature["id"], **feature["properties"]}
        feature["properties"] = {name: loaded[name] for name in self.fields if name in loaded}
        return feature

    def _get_cql_filters(self, filterq):
        """Let filters ask for declared columns and the shape only."""
        if not filterq:
            return true()
        names = [*self.fields, *([self.geom] if self.shaped else [])]
        # pygeofilter takes an unknown name for NULL, and so finds nothing
        unknown = _names(filterq) - set(names)
        if unknown:
            raise ProviderInvalidQueryError(user_msg="filter: unknown property")
        return to_filter(filterq, {name: getattr(self.table_model, name) for name in names})

    def _get_bbox_filter(self, bbox):
        """Items without a shape lie in no box."""
        if bbox and not self.shaped:
            return false()
        return super()._get_bbox_filter(bbox)

    def _select_properties_clause(self, select_properties, skip_geometry):
        return super()._select_properties_clause(
            select_properties, skip_geometry or not self.shaped
        )


def _names(node: object) -> set[str]:
    """Return the names of properties that a filter asks for."""
    if isinstance(node, ast.Attribute):
        return {node.name}
    if isinstance(node, ast.Node):
        return set().union(*(_names(part) for part in node.get_sub_nodes() or ()))
    return set()


@functools.cache
def _named_by(model: type, name: str, key: tuple[str, ...]) -> type:
    """Return a model of the same table with one more column, that names each row."""
    table = model.__table__
    parts = [cast(table.c[column], Text) for column in key]
    rows = select(func.concat_ws(JOINT, *parts).label(name), *table.c).subquery()
    mapped = type(model.__name__, (), {"__table__": rows})
    registry().map_imperatively(mapped, rows, primary_key=[rows.c[name]])
    return mapped


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Turn whatever SQLAlchemy says into one of two answers, without its text."""
    try:
        yield
    except (ProviderConnectionError, ProviderQueryError):  # away, or without the table
        raise Unavailable() from None
    except ProviderGenericError:
        raise
    except DBAPIError as error:
        gone = getattr(error.orig, "pgcode", None) in GONE
        if gone or isinstance(error, OperationalError):
            raise Unavailable() from None
        raise ProviderInvalidQueryError(user_msg=REFUSED) from None
    except Exception:
        # a filter with an unknown name, a comparison of a number with a text, …
        raise ProviderInvalidQueryError(user_msg=REFUSED) from None
