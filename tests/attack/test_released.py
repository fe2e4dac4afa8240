"""Released stand-ins that rot, in the repository's store or in DVC's cache: none is used."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest

from winnow.command.line import main

ROOT = Path(__file__).parents[2]
FILES = {"clip/weights.bin": b"weights" * 1000, "clip/config.json": b"{}", "t2i/a.bin": b"a" * 99}

pytestmark = pytest.mark.usefixtures("same_environment")


def place(folder: Path, digest: str) -> Path:
    return folder / "files/md5" / digest[:2] / digest[2:]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository as ours, with a release of three small files, in a folder without git."""
    released = tmp_path / "released"
    shutil.copytree(ROOT / ".dvc/without-git", tmp_path / ".dvc/without-git")
    shutil.copyfile(ROOT / ".dvc/config", tmp_path / ".dvc/config")
    listed = []
    for name, content in FILES.items():
        digest = hashlib.md5(content).hexdigest()
        place(released / "store", digest).parent.mkdir(parents=True, exist_ok=True)
        place(released / "store", digest).write_bytes(content)
        listed.append({"md5": digest, "relpath": name})
    manifest = json.dumps(sorted(listed, key=lambda file: file["relpath"])).encode()
    digest = hashlib.md5(manifest).hexdigest() + ".dir"
    place(released / "store", digest).parent.mkdir(parents=True, exist_ok=True)
    place(released / "store", digest).write_bytes(manifest)
    (released / "standins.dvc").write_text(
        f"outs:\n- md5: {digest}\n  nfiles: 3\n  hash: md5\n  path: standins\n"
    )
    return tmp_path


def pull(repository: Path) -> int:
    return main(["pull-standins", f"--repository={repository}", "--threads=1"])


def rot(path: Path) -> None:
    """Change a bit, as a disk does: no time of the file says so."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(before.st_mode)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_what_is_whole_is_pulled_and_a_cache_that_rots_is_found(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pull(repository) == 0
    standins = repository / "released/standins"
    assert all((standins / name).read_bytes() == content for name, content in FILES.items())
    weights = place(repository / ".dvc/cache", hashlib.md5(FILES["clip/weights.bin"]).hexdigest())
    rot(weights)
    shutil.rmtree(standins)
    assert pull(repository) == 2
    told = capsys.readouterr().err.splitlines()[-1]
    assert "clip/weights.bin: is damaged" in told
    assert str(weights.relative_to(repository / ".dvc/cache")) in told
    assert not standins.exists()
    weights.unlink()
    assert pull(repository) == 0


def test_a_list_that_rots_in_the_cache_is_pulled_again(repository: Path) -> None:
    assert pull(repository) == 0
    (listed,) = (repository / ".dvc/cache").rglob("*.dir")
    rot(listed)
    standins = repository / "released/standins"
    shutil.rmtree(standins)
    assert pull(repository) == 0
    assert all((standins / name).read_bytes() == content for name, content in FILES.items())


@pytest.mark.parametrize("how", ["flipped", "cut", "lost"])
def test_a_store_that_rots_is_not_pulled(
    how: str, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither a file nor the list of all; DVC is not even asked."""
    for stored in sorted((repository / "released/store").rglob("*")):
        if stored.is_dir():
            continue
        whole = stored.read_bytes()
        if how == "flipped":
            rot(stored)
        elif how == "cut":
            stored.write_bytes(whole[: len(whole) // 2])
        else:
            stored.unlink()
        assert pull(repository) == 2
        (told,) = capsys.readouterr().err.splitlines()
        assert str(stored) in told and "git checkout" in told
        assert not (repository / "released/standins").exists()
        assert not (repository / ".dvc/cache").exists()
        stored.write_bytes(whole)


def test_the_remote_verifies_by_itself(repository: Path) -> None:
    """So that `dvc pull`, by which people pull, takes no damage either."""
    import subprocess
    import sys

    rot(place(repository / "released/store", hashlib.md5(FILES["clip/weights.bin"]).hexdigest()))
    environment = {**os.environ, "DVC_SYSTEM_CONFIG_DIR": str(repository / ".dvc/without-git")}
    words = ["--cd", str(repository), "pull", "--remote", "released", "released/standins.dvc"]
    ran = subprocess.run([sys.executable, "-m", "dvc", *words], env=environment, check=False)
    assert ran.returncode != 0
    assert not (repository / "released/standins/clip/weights.bin").exists()


@pytest.mark.parametrize(
    "content", ["", "outs: []", "outs: [{md5: ../../x.dir}]", "outs: [{md5: 5}]", "\0"]
)
def test_a_pointer_that_is_none(
    content: str, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "released/standins.dvc").write_text(content)
    assert pull(repository) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert "standins.dvc" in told
