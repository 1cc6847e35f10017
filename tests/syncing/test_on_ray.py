"""A sync on a Ray cluster of two nodes: the same as here, and nothing is lost with a node."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.clusters import RayCluster, ray_cluster
from tests.servers import postgres_server
from tests.small_embedder import SmallEmbedder
from tests.standins.s3 import S3

from groundtone.errors import GroundtoneError, SettingsError
from groundtone.index import window_id
from groundtone.syncing import Step
from groundtone.workspace import Workspace

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    pytest.importorskip("ray")
    with ray_cluster() as made:
        yield made


def opened(folder: Path) -> Workspace:
    workspace = Workspace.create(folder)
    workspace.__dict__["embedder"] = SmallEmbedder()
    return workspace


def contents(workspace: Workspace) -> dict[str, Any]:
    """Everything that a sync made, byte for byte."""
    catalog = workspace.catalog
    made: dict[str, Any] = {}
    index = workspace.indexes.current(SmallEmbedder().dimensions)
    for document in catalog.documents():
        chunks = catalog.chunks(document.version)
        ids = [
            window_id(document.version, chunk.ordinal, number)
            for chunk in chunks
            for number in range(len(chunk.windows))
        ]
        vectors = {id: vector.tobytes() for id, vector in index.vectors(ids).items()}
        assert len(vectors) == len(ids)
        made[document.path] = (catalog.stored(document.version), vectors)
    return made


def written(folder: Path, count: int) -> Path:
    """Short documents, no two alike, some sentences in all of them, and one that cannot be read."""
    folder.mkdir()
    for number in range(count):
        lines = [f"# Machine {number}", "Switch it off before cleaning. The red lamp goes out."]
        lines += [f"Part {number}-{n} is kept on shelf {n * number % 97}." for n in range(12)]
        (folder / f"machine-{number:03}.md").write_text("\n\n".join(lines) + "\n", "utf-8")
        os.utime(folder / f"machine-{number:03}.md", (1_700_000_000, 1_700_000_000))
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 and nothing else")
    return folder


class Once:
    """Progress that does something as soon as so many files are done."""

    def __init__(self, act: Callable[[], None], after: int) -> None:
        self._act = act
        self._after = after
        self.done = False

    def __call__(self, step: Step) -> None:
        if step.done >= self._after and not self.done:
            self.done = True
            self._act()


def test_it_is_the_same_as_here_and_outlives_workers_and_a_node(
    cluster: RayCluster, tmp_path: Path
) -> None:
    docs = written(tmp_path / "docs", 40)
    with opened(tmp_path / "here") as here, opened(tmp_path / "there") as there:
        alone = here.sync(docs)
        report = there.sync(docs, on=cluster.address)
        assert (report.added, report.embedded) == (40, alone.embedded)
        assert report.failed == alone.failed and len(report.failed) == 1
        expected = contents(here)
        assert contents(there) == expected
        assert there.sync(on=cluster.address).unchanged == 40
        (docs / "machine-007.md").write_text("# Machine 7\n\nIt was sold.\n", "utf-8")
        # Long ago: the time of a file written just now is kept as unknown, and only the first of
        # the two syncs would come that soon.
        os.utime(docs / "machine-007.md", (1_700_000_001, 1_700_000_001))
        assert (there.sync(on=cluster.address).updated, here.sync().updated) == (1, 1)
        assert contents(there) == contents(here)

    docs = written(tmp_path / "more", 80)
    with opened(tmp_path / "here2") as here:
        here.sync(docs)
        expected = contents(here)
    losing = threading.Thread(target=cluster.lose)  # beside the sync
    acts = {"worker": lambda: kill_workers(cluster.pid), "node": losing.start}
    for name, act in acts.items():
        told = Once(act, 10)
        with opened(tmp_path / name) as there:
            report = there.sync(docs, on=cluster.address, progress=told)
            assert report.added == 80
            assert told.done, "nothing was killed"
            assert contents(there) == expected
    losing.join()
    cluster.grow()


def kill_workers(cluster: int) -> None:
    """End one reader and one embedder of the cluster, at whatever they are doing.

    Both are there while a sync goes on: the driver, which calls this, keeps them until its end.
    """
    told = {int(one.name): one for one in Path("/proc").iterdir() if one.name.isdecimal()}
    parents = {pid: parent(one) for pid, one in told.items()}

    def below(pid: int) -> bool:  # another cluster on this machine is none of ours
        while pid and pid != cluster:
            pid = parents.get(pid, 0)
        return pid == cluster

    for kind in (b"ray::Reading", b"ray::Embedding"):
        found = [pid for pid, one in told.items() if titled(one, kind) and below(pid)]
        assert found, f"no {kind.decode()} is there"
        os.kill(found[0], signal.SIGKILL)


def parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:  # it has ended meanwhile
        return 0


def titled(process: Path, kind: bytes) -> bool:
    try:
        return (process / "cmdline").read_bytes().startswith(kind)
    except OSError:
        return False


def test_one_settings_file_moves_a_workspace_to_ray_and_postgresql(
    cluster: RayCluster, examples: Path, tmp_path: Path
) -> None:
    with postgres_server() as url:
        for name, settings in (("embedded", ""), ("scaled", scaled(cluster.address, url))):
            (tmp_path / name).mkdir()
            (tmp_path / name / "groundtone.toml").write_text(settings, "utf-8")
        with opened(tmp_path / "embedded") as one, opened(tmp_path / "scaled") as other:
            assert one.sync(examples / "manual").added == other.sync(examples / "manual").added > 0
            expected = contents(one)
            assert contents(other) == expected
            for question in ("How do I descale the boiler?", "What does error E3 mean?"):
                found = [(p.document, p.start, p.text) for p in one.search(question)]
                assert found
                best = [(p.document, p.start, p.text) for p in other.search(question)]
                assert best[0] == found[0]
            assert not (other.state / "catalog.db").exists()


def test_machines_of_the_cluster_fetch_objects_themselves(
    cluster: RayCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = S3()
    docs = written(tmp_path / "docs", 6)
    for path in docs.iterdir():
        store.put(f"docs/{path.name}", path.read_bytes())
    monkeypatch.setenv("GROUNDTONE_S3__ENDPOINT", store.endpoint)
    monkeypatch.setenv("GROUNDTONE_S3__ANONYMOUS", "true")  # the cluster has no keys
    with opened(tmp_path / "there") as there, opened(tmp_path / "here") as here:
        report = there.sync("s3://manuals/docs", on=cluster.address)
        assert (report.added, len(report.failed)) == (6, 1)
        here.sync("s3://manuals/docs")
        assert contents(there) == contents(here)
    assert len(store.fetched) == 14
    store.close()


def scaled(cluster: str, url: str) -> str:
    return (
        f'[scale]\nray = "{cluster}"\n'
        f'[catalog]\nurl = "{url}"\n[index]\nstore = "pgvector"\nurl = "{url}"\n'
    )


def test_a_driver_that_is_stopped_goes_on_where_it_was(cluster: RayCluster, tmp_path: Path) -> None:
    docs = written(tmp_path / "docs", 60)

    def stop(step: Step) -> None:
        if step.done >= 30:
            raise KeyboardInterrupt

    with opened(tmp_path / "kb") as workspace:
        with pytest.raises(KeyboardInterrupt):
            workspace.sync(docs, on=cluster.address, progress=stop)
        report = workspace.sync(on=cluster.address)
        assert report.added + report.unchanged == 60
        found = contents(workspace)
    with opened(tmp_path / "here") as here:
        here.sync(docs)
        assert contents(here) == found


def test_what_is_wrong_with_a_cluster_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = pytest.importorskip("ray")

    def away(**_: Any) -> None:
        raise ConnectionError("ray client connection timeout\nand much more")

    docs = written(tmp_path / "docs", 1)
    monkeypatch.setattr(ray, "init", away)
    with opened(tmp_path / "kb") as workspace:
        with pytest.raises(SettingsError, match="no Ray cluster"):
            workspace.sync(docs, on="everywhere")
        with pytest.raises(GroundtoneError, match=r"cannot be reached: ray client.* timeout\."):
            workspace.sync(docs, on="ray://127.0.0.1:9")
        assert workspace.sync(docs).added == 1
