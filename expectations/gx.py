"""The one door to Great Expectations: importing, muting, opening a source, building a rule.

What is checked belongs to `suite` and `arrival`; what may be kept of a result to `runner`.
"""

import logging
import os
import uuid
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import RLock
from typing import Any

from expectations.checks.classes_tell_nothing import classes_tell_nothing_class
from expectations.checks.no_rows import counting_query, no_rows_class
from expectations.checks.withstands_attack import withstands_attack_class
from expectations.suite import CLASSES_TELL_NOTHING, NO_ROWS, WITHSTANDS_ATTACK, Expectation

_ALONE = RLock()

Source = Path | Mapping[str, Path | list[Path]]


@cache
def great_expectations() -> Any:
    """Import Great Expectations, which costs seconds, with its telemetry off."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read once, while it is imported
    import great_expectations as module

    return module


@contextmanager
def muted() -> Iterator[None]:
    """Silence loggers and warnings that would repeat a database's error, values and all.

    They are the process's, so one thread at a time is let in.
    """
    with _ALONE:
        yield from _silent()


def _silent() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in ("great_expectations", "sqlalchemy")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def open_source(source: Source) -> Iterator[Any]:
    """Open a source as a datasource of Great Expectations and really close it afterwards.

    A path is opened read-only as a DuckDB file. For a mapping of Parquet files a database in
    memory is made; the runner puts the tables in as views.

    Raises:
        FileNotFoundError: The DuckDB file does not exist.
        RuntimeError: The DuckDB file cannot be opened, for instance because a writer holds it.
    """
    if isinstance(source, Path) and not source.is_file():
        raise FileNotFoundError(f"No DuckDB file at {source}")
    try:
        datasource = _context().data_sources.add_sql(
            name=f"source-{uuid.uuid4().hex}",
            connection_string="duckdb:///:memory:",
            kwargs=_engine_options(source),
        )
    except Exception as error:
        raise RuntimeError(
            f"{source if isinstance(source, Path) else 'Parquet files'}: could not be opened "
            f"({type(error).__name__}); does another process write to it?"
        ) from None
    try:
        yield datasource
    finally:
        # Great Expectations keeps two engines for each source; both hold the file.
        datasource.get_execution_engine().engine.dispose()
        datasource.get_engine().dispose()
        _context().data_sources.delete(datasource.name)


def execute(datasource: Any, sql: str) -> list[tuple]:
    """Run one statement on a datasource's database and return its rows."""
    with datasource.get_execution_engine().engine.connect() as connection:
        result = connection.exec_driver_sql(sql)
        return [tuple(row) for row in result] if result.returns_rows else []


def build(expectation: Expectation, description: str | None = None) -> Any:
    """Return the Great Expectations object of an expectation, its name in the object's `meta`.

    Raises:
        ValueError: The rule is unknown or does not take these arguments.
    """
    great_expectations()
    import great_expectations.expectations as rules

    arguments = dict(expectation.arguments)
    if expectation.rule == NO_ROWS:
        rule = no_rows_class()
        arguments = {"unexpected_rows_query": counting_query(arguments["query"])}
    elif expectation.rule == WITHSTANDS_ATTACK:
        rule = withstands_attack_class()
    elif expectation.rule == CLASSES_TELL_NOTHING:
        rule = classes_tell_nothing_class()
    else:
        rule = getattr(rules, expectation.rule, None)
    if rule is None:
        raise ValueError(f"{expectation.name}: Great Expectations has no rule {expectation.rule}")
    try:
        return rule(
            **arguments,
            description=description or expectation.description,
            meta={"name": expectation.name},
        )
    except Exception as error:
        raise ValueError(
            f"{expectation.name}: {expectation.rule} does not take these arguments "
            f"({type(error).__name__})"
        ) from None


@cache
def _context() -> Any:
    """The one context of the process: making it costs as much as a small suite."""
    gx = great_expectations()
    from great_expectations.data_context.types import base

    # The default store would write a site into the temporary folder and leave it there.
    stores = base.InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
    config = base.DataContextConfig(
        store_backend_defaults=stores,
        analytics_enabled=False,
        progress_bars=base.ProgressBarsConfig(globally=False),
    )
    return gx.get_context(mode="ephemeral", project_config=config)


def _engine_options(source: Source) -> dict[str, Any]:
    """Return engine options under which results survive and one connection is kept.

    The database is named here and not in the connection string, where characters such as `$`
    and `?` in a path would be read as something else.
    """
    from sqlalchemy.pool import StaticPool

    # No downloads, and no table that is really a Python variable of the same name.
    config: dict[str, Any] = {
        "autoinstall_known_extensions": False,
        "python_enable_replacements": False,
    }
    is_file = isinstance(source, Path)
    if not is_file:
        config["temp_directory"] = ""  # else large queries spill data into the working directory
    return {
        "poolclass": StaticPool,
        "pool_reset_on_return": None,
        "isolation_level": "AUTOCOMMIT",
        "skip_autocommit_rollback": True,
        "connect_args": {
            # A named database in memory is shared by the two engines; a plain one is not.
            "database": str(source) if is_file else f":memory:{uuid.uuid4().hex}",
            "read_only": is_file,
            "config": config,
        },
    }
