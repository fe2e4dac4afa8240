"""The code that a command runs, or that a user names: found from its imports, not by importing.

Snakemake does not see imported modules, so the shell command of a rule has this digest, and by it
the cache between workflows in its key.
"""

import ast
import fnmatch
import hashlib
import importlib
import os
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from winnow.data.errors import WinnowError
from winnow.data.files import cache_folder, digest_bytes, optional_signed, write_signed

PACKAGE = "winnow"
ROOT = Path(__file__).resolve().parents[1]
# What is installed is no code of a user's, and is not followed: versions are in the records.
INSTALLED = tuple(
    Path(sysconfig.get_path(name)).resolve()
    for name in ("stdlib", "platstdlib", "purelib", "platlib")
)
# A module that is named in a string, as where one is imported late: "winnow.a.b" or "winnow.a.b:C";
# "winnow.a.*.b" are those of all packages
NAMED = re.compile(rf"[\"']({PACKAGE}(?:\.[a-z_0-9]+|\.\*)+)(?::\w+)?[\"']")
# In the user's cache: the imports of at most so many modules, for later processes
MEMORY, REMEMBERED = "imports.json", 5000
COMMAND = re.compile(r"^@command\ndef (\w+)", re.MULTILINE)


@cache
def command_files() -> dict[str, Path]:
    """Where each command is: the files that have functions under the decorator `command`."""
    return {
        name.replace("_", "-"): path
        for path in sorted([*ROOT.rglob("*verbs.py"), *ROOT.glob("tracks/*/*.py")])
        for name in COMMAND.findall(path.read_text(encoding="utf-8"))
    }


def module_name(path: Path) -> str:
    """The name by which a file of winnow is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join((PACKAGE, *parts)).removesuffix(".__init__")


@cache
def _modules() -> dict[str, Path]:
    """The files of winnow, by the names by which they are imported."""
    return {module_name(path): path for path in ROOT.rglob("*.py")}


def command_source(command: str) -> ast.FunctionDef:
    """The function of a command, parsed. Raises WinnowError for a command that there is not."""
    function = _bound(_module_of(command))[command.replace("-", "_")]
    assert isinstance(function, ast.FunctionDef)
    return function


def _module_of(command: str) -> "_Module":
    path = command_files().get(command)
    if path is None:
        known = ", ".join(sorted(command_files()))
        raise WinnowError(f"{command!r} is no command of winnow ({known})")
    return _parsed(path)


@cache
def code_digest(command: str) -> str:
    """Digest of the code of a command: its function, and every module of winnow behind it.

    Imports inside functions count. Raises WinnowError for a command that there is not.
    """
    module = _module_of(command)
    reached = _reached(module, command.replace("-", "_"))
    total = hashlib.sha256()
    for node in reached:
        total.update(module.source(node).encode() + b"\0")
    return _digest(total, _closure(_imports(module, reached)))


def user_code(use: str) -> str:
    """Digest of the module of `module:Class`, and of all that it imports and is not installed.

    A module that is installed is followed inside its own package. Raises WinnowError if it is not
    on PYTHONPATH, or no Python.
    """
    name = use.partition(":")[0]
    if _find(name) is None:
        raise WinnowError(
            f"{use!r}: there is no module {name}; its folder belongs on PYTHONPATH, or the name is "
            "another"
        )
    return _digest(hashlib.sha256(), _closure([name], own=name.partition(".")[0]))


def search_path(environment: Mapping[str, str]) -> dict[str, str]:
    """The variable by which jobs, which run in another folder, find a user's modules."""
    places = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    return {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, places))}


def _digest(total: "hashlib._Hash", modules: Iterable[str]) -> str:
    for name in sorted(modules):
        file = _find(name)
        if file is not None:
            total.update(name.encode() + b"\0" + _file_digest(file))
            # What the module reads: the data of its name, of a package all in its folder
            data = "*.yaml" if file.name == "__init__.py" else f"{file.stem}.yaml"
            for path in sorted(file.parent.glob(data)):
                total.update(_file_digest(path))
    return total.hexdigest()[:32]


@dataclass(frozen=True)
class _Module:
    """A parsed source file."""

    name: str
    is_package: bool
    lines: list[str]
    tree: ast.Module

    def source(self, node: ast.stmt) -> str:
        """The lines of a statement, with its decorators."""
        first = min([node, *getattr(node, "decorator_list", [])], key=lambda part: part.lineno)
        return "\n".join(self.lines[first.lineno - 1 : node.end_lineno])


def _reached(module: _Module, function: str) -> list[ast.stmt]:
    """The statements of a module that a function of it needs, imports of the module's too."""
    bound = _bound(module)
    waiting, found = [bound[function]], []
    while waiting:
        node = waiting.pop()
        if node in found:
            continue
        found.append(node)
        used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        waiting += [bound[name] for name in used if name in bound]
    return sorted(found, key=lambda node: node.lineno)


def _bound(module: _Module) -> dict[str, ast.stmt]:
    """The statements of a module by the names that they bind."""
    return {name: node for node in module.tree.body for name in _names(node)}


def _names(node: ast.stmt) -> Iterator[str]:
    """What a statement of a module binds."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
    else:
        stores = (n for n in ast.walk(node) if isinstance(n, ast.Name))
        yield from (n.id for n in stores if isinstance(n.ctx, ast.Store))


def _closure(names: Iterable[str], own: str | None = None) -> set[str]:
    """Modules, and all that they import that is winnow's, a user's, or of the package `own`."""
    waiting, found, before = set(names), set[str](), len(_remembered())
    while waiting:
        name = waiting.pop()
        if name in found or not _followed(name, own):
            continue
        found.add(name)
        package = name.rpartition(".")[0]
        if package != PACKAGE:  # which holds the version alone
            waiting.add(package)  # Python runs it first
        path = _find(name)
        if path is not None and path.suffix == ".py":
            waiting |= _imported_by(path, name)
    _remember(before)
    return found


@cache
def _imported_by(path: Path, name: str) -> frozenset[str]:
    key = digest_bytes(name.encode() + b"\0" + _file_digest(path))
    known = _remembered()
    if key not in known:
        module = _parsed(path, name)
        known[key] = sorted(_named(module, module.tree.body))
    return frozenset(_modules_of(known[key]))


@cache
def _remembered() -> dict[str, list[str]]:
    """What modules import, by digests of their names and bytes, as earlier processes parsed them:
    it takes most of the time. A damaged file is not read."""
    try:
        return optional_signed(cache_folder() / MEMORY)
    except WinnowError:
        return {}


def _remember(before: int) -> None:
    """Keep what was parsed since there were `before` modules in memory."""
    known = _remembered()
    if len(known) == before:
        return
    if len(known) > REMEMBERED:
        known.clear()
    with suppress(WinnowError, OSError):  # it is parsed again
        write_signed(cache_folder() / MEMORY, known)


def _followed(name: str, own: str | None) -> bool:
    top = name.partition(".")[0]
    if not top:
        return False
    if top in (PACKAGE, own):
        return True
    if own is None or top in sys.stdlib_module_names:
        return False  # winnow imports nothing of a user's
    path = _find(top)
    return path is not None and not any(path.is_relative_to(place) for place in INSTALLED)


def _imports(module: _Module, nodes: Iterable[ast.stmt]) -> set[str]:
    """The modules that statements import, by full name; what is no module is dropped later."""
    return _modules_of(_named(module, nodes))


def _named(module: _Module, nodes: Iterable[ast.stmt]) -> set[str]:
    """The names that statements import, and patterns of modules that they have in strings."""
    found = set()
    for node in nodes:
        for inner in _statements(node):
            if isinstance(inner, ast.Import):
                found |= {alias.name for alias in inner.names}
            elif isinstance(inner, ast.ImportFrom):
                base = _base(module, inner)
                found |= {base, *(f"{base}.{a.name}" for a in inner.names if a.name != "*")}
        found |= {match[1] for match in NAMED.finditer(module.source(node))}
    return found


def _modules_of(names: Iterable[str]) -> set[str]:
    """What names stand for: in those of winnow `*` is any package."""
    found = set()
    for name in names:
        star = name.startswith(PACKAGE) and "*" in name
        found |= set(fnmatch.filter(_modules(), name)) if star else {name}
    return found


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """A statement and those inside it. Expressions, which are most of a tree, import nothing, and
    what is imported for types alone does not run."""
    if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
        return
    yield node
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        inside = getattr(node, name, [])
        for inner in inside if isinstance(inside, list) else []:
            yield from _statements(inner)


def _base(module: _Module, node: ast.ImportFrom) -> str:
    """What a `from` imports from, relative ones resolved."""
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    parts = parts[: len(parts) - node.level + module.is_package]
    return ".".join([*parts, *([node.module] if node.module else [])])


@cache
def _find(name: str) -> Path | None:
    """The file of a module, found without running any; None for a name that is no module."""
    top, *rest = name.split(".")
    if top == PACKAGE:
        return _modules().get(name)
    importlib.invalidate_caches()  # a file may have come since a folder was looked into
    # Not by `find_spec`: of a module that is loaded it says where that one came from
    specs = (finder.find_spec(top, None) for finder in sys.meta_path)
    spec = next(filter(None, specs), None)
    if spec is None:
        return None
    places = [Path(place) for place in spec.submodule_search_locations or ()]
    if not rest or not places:
        is_file = spec.has_location and spec.origin and not rest
        return Path(spec.origin).resolve() if is_file and spec.origin else None
    for place in places:
        path = place.joinpath(*rest)
        files = [path / "__init__.py", *path.parent.glob(f"{path.name}.*")]
        found = [file for file in files if file.suffix in (".py", ".so", ".pyd") and file.is_file()]
        if found:
            return found[0].resolve()
    return None


@cache
def _parsed(path: Path, name: str | None = None) -> _Module:
    if name is None:
        name = module_name(path)
    try:
        text = path.read_text(encoding="utf-8")
        return _Module(name, path.name == "__init__.py", text.splitlines(), ast.parse(text))
    except (OSError, ValueError, SyntaxError) as error:  # ValueError: no UTF-8, or a null byte
        raise WinnowError(f"{path}: no Python that can be read ({error})") from error


@cache
def _file_digest(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()
