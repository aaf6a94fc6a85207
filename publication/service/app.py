"""The process that answers: pygeoapi behind a gate, served by waitress on loopback.

Here belongs what may be asked at all. Started by `run` as a process of its own, in the folder with
its two files and with an environment that names nothing else. Not here: anything of an edition.
"""

import argparse
import json
import logging
import os
import re
import signal
import sys
import threading
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask, Request, Response

CONFIGURATION = "pygeoapi.yml"
OPENAPI = "openapi.json"
SECRET = 0o600
THREADS = 4
WRITE_ONLY = "--nur-schreiben"

PATHS = {
    r"/": {"f", "lang"},
    r"/openapi": {"f", "lang", "ui"},
    r"/conformance": {"f", "lang"},
    r"/collections": {"f", "lang"},
    r"/collections/([^/]+)": {"f", "lang"},
    r"/collections/([^/]+)/schema": {"f", "lang"},
    r"/collections/([^/]+)/queryables": {"f", "lang", "properties", "profile"},
    r"/collections/([^/]+)/items/[^/]+": {"f", "lang", "crs"},
    r"/collections/([^/]+)/items": {
        *("f", "lang", "crs", "bbox", "bbox-crs", "limit", "offset", "resulttype", "datetime"),
        *("sortby", "properties", "skipGeometry", "filter", "filter-lang", "filter-crs"),
    },
}
"""What is served, and which parameters it takes; items are asked by their properties, too."""

METHODS = ("GET", "HEAD", "OPTIONS")
FORMATS = {"json": "application/json", "html": "text/html", "jsonld": "application/ld+json"}
HEADERS = {
    # pages that could load or run anything would be refused it by the browser
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept",
}
WRITES = "http://www.opengis.net/spec/ogcapi-features-4"
SORTBY = {
    "name": "sortby",
    "in": "query",
    "description": "Eigenschaften, nach denen geordnet wird; - vor dem Namen: absteigend",
    "required": False,
    "schema": {"type": "array", "items": {"type": "string"}},
    "style": "form",
    "explode": False,
}


def main(arguments: list[str] | None = None) -> int:
    """Write the OpenAPI document, then serve until told to end or until the parent has gone."""
    parser = argparse.ArgumentParser()
    parser.add_argument(WRITE_ONLY, action="store_true", dest="write_only")
    options = parser.parse_args(arguments)
    # pygeoapi logs questions and SQL beside an error; `guarded` says what an operator needs
    logging.disable(logging.ERROR)
    from pygeoapi.config import get_config

    config = get_config()
    write_secret(Path(OPENAPI), json.dumps(openapi(config), ensure_ascii=False))
    if options.write_only:
        return 0
    import waitress
    from pygeoapi.flask_app import APP

    bind = config["server"]["bind"]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    waitress.serve(
        guarded(APP, config),
        **bind,
        threads=THREADS,
        ident=None,
        clear_untrusted_proxy_headers=True,
    )
    return 0


def openapi(config: Mapping) -> dict:
    """Return the OpenAPI document, of what is served here and no more; opens every table."""
    from pygeoapi.openapi import get_oas

    document = get_oas(config)
    served = [re.compile(path) for path in PATHS]
    document["paths"] = {
        path: {"get": told["get"]}
        for path, told in document["paths"].items()
        if "get" in told and any(one.fullmatch(path) for one in served)
    }
    for told in document["paths"].values():
        parameters = told["get"].get("parameters", [])
        told["get"]["parameters"] = [
            SORTBY if str(one.get("$ref", "")).endswith("/sortby.yaml") else one
            for one in parameters
            if not str(one.get("$ref", "")).endswith("/vendorSpecificParameters")
        ]
    document["tags"] = [
        tag for tag in document["tags"] if tag["name"] in {"server", *config["resources"]}
    ]
    document["components"]["parameters"].pop("vendorSpecificParameters", None)
    return document


def guarded(app: "Flask", config: Mapping) -> "Flask":
    """Return pygeoapi's application with a gate before it, and nothing of the machine behind it."""
    from flask import make_response, request
    from pygeoapi.api import itemtypes
    from pygeoapi.flask_app import api_
    from pygeoapi.provider.base import ProviderGenericError
    from werkzeug.datastructures import Headers
    from werkzeug.exceptions import HTTPException

    classes = itemtypes.CONFORMANCE_CLASSES_FEATURES
    classes[:] = [name for name in classes if not name.startswith(WRITES)]  # nothing is written

    def answer(status: int, code: str, text: str) -> "Response":
        kind = "html" if _format(request) == "html" else "json"
        headers = {"Content-Type": FORMATS[kind], "Content-Language": "en"}
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(METHODS)
        headers, status, content = api_.get_exception(status, headers, kind, code, text)
        return make_response(content, status, headers)

    @app.before_request
    def refuse() -> "Response | None":
        problem = _problem(request, config)
        if problem:
            return answer(*problem)
        request.environ["HTTP_ACCEPT"] = FORMATS[_format(request)]
        return None

    @app.after_request
    def tidy(response: "Response") -> "Response":
        response.headers = Headers(response.headers)  # pygeoapi puts a plain dict there
        response.headers.pop("X-Powered-By", None)
        response.headers.update(HEADERS)
        if request.path == "/" and response.is_json:
            page = response.get_json()
            page["links"] = [
                link for link in page.get("links", []) if _is_served(link, config["server"]["url"])
            ]
            response.set_data(json.dumps(page, ensure_ascii=False))
        return response

    @app.errorhandler(Exception)
    def fail(error: Exception) -> "Response":
        if isinstance(error, HTTPException):
            return answer(error.code, "NoApplicableCode", error.name)
        # the kind of the error and the path: neither a question nor an answer
        print(f"service: {type(error).__name__} at {request.path}", file=sys.stderr, flush=True)
        if isinstance(error, ProviderGenericError):
            return answer(error.http_status_code, error.ogc_exception_code, error.message)
        return answer(
            HTTPStatus.INTERNAL_SERVER_ERROR, "NoApplicableCode", "the service could not answer"
        )

    return app


def write_secret(path: Path, text: str) -> None:
    """Write a file that its owner alone may read, whole or not at all."""
    beside = path.with_suffix(".neu")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SECRET), "w") as file:
        file.write(text)
    beside.replace(path)


def _problem(request: "Request", config: Mapping) -> tuple[HTTPStatus, str, str] | None:
    """Return why a request is refused, or None."""
    if request.method not in METHODS:
        return HTTPStatus.METHOD_NOT_ALLOWED, "NotAllowed", "this service is for reading only"
    allowed = _parameters(request.path.rstrip("/") or "/", config["resources"])
    if allowed is None:
        return HTTPStatus.NOT_FOUND, "NotFound", "there is no such page or collection"
    if set(request.args) - allowed:
        return _invalid("unknown parameter; the OpenAPI document names those that there are")
    if request.args.get("f", "json") not in FORMATS:
        return _invalid(f"f: expected one of {', '.join(FORMATS)}")
    if empty := sorted(name for name, value in request.args.items() if not value.strip(" ,")):
        return _invalid(f"{', '.join(empty)}: expected a value, found none")
    return None


def _parameters(path: str, resources: Mapping) -> set[str] | None:
    """Return the parameters that a path takes, or None if there is nothing."""
    found = next((match for pattern in PATHS if (match := re.fullmatch(pattern, path))), None)
    if found is None:
        return None
    known = PATHS[found.re.pattern]
    if not found.groups():
        return known
    if found.group(1) not in resources:
        return None
    columns = resources[found.group(1)]["providers"][0]["columns"]
    return known | {name for name, *_ in columns} if "filter" in known else known


def _invalid(text: str) -> tuple[HTTPStatus, str, str]:
    return HTTPStatus.BAD_REQUEST, "InvalidParameterValue", text


def _format(request: "Request") -> str:
    """Return the format that a request asks for, if it asks for one that there is; else JSON."""
    told = request.args.get("f")
    if told:
        return told if told in FORMATS else "json"
    best = request.accept_mimetypes.best_match(FORMATS.values(), FORMATS["json"])
    return next(name for name, mime in FORMATS.items() if mime == best)


def _is_served(link: Mapping, url: str) -> bool:
    """Return whether a link of the landing page leads elsewhere, or to what is served here."""
    path = link["href"].partition("?")[0]
    if not path.startswith(url):
        return True
    inside = path.removeprefix(url).rstrip("/") or "/"
    return any(re.fullmatch(pattern, inside) for pattern in PATHS)


def _end_with_parent() -> None:
    """End when the parent's end of the pipe closes: nobody else would end this process."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
