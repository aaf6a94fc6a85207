"""Engine and auditor are two programs: a fault of one cannot hide in the other."""

import ast
from pathlib import Path

import pytest

ROOM = Path(__file__).parents[2] / "disclosure"
SHARED = {
    "disclosure.agreement",
    "disclosure.keys",
    "disclosure.policy",
    "disclosure.release",
    "disclosure.specification",
    "disclosure.tables",
}


def _imported(folder: Path) -> set[str]:
    found = set()
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                found.add(node.module)
            elif isinstance(node, ast.Import):
                found |= {name.name for name in node.names}
    return {name for name in found if name.startswith("disclosure")}


@pytest.mark.parametrize("name", ["engine", "audit"])
def test_each_knows_of_the_others_only_what_is_read(name):
    imported = _imported(ROOM / name)
    own = {one for one in imported if one.startswith(f"disclosure.{name}")}
    assert own
    assert imported - own <= SHARED
