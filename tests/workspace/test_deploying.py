"""Tuned models on a fleet: what is written for it, and that it is held to what was trained.

The fleet here is `groundtone serve` on loopback, over the workspace that trained the models.
"""

from __future__ import annotations

import json
import stat
import tomllib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the tune extra is not installed")
peft = pytest.importorskip("peft", reason="the tune extra is not installed")
pytest.importorskip("fastapi", reason="the serve extra is not installed")

from groundtone import Workspace  # noqa: E402
from groundtone.catalog.models import StoredModel  # noqa: E402
from groundtone.chat import ChatEngine, complete, probing  # noqa: E402
from groundtone.chat.fleet import FleetEngine  # noqa: E402
from groundtone.cli import cluster  # noqa: E402
from groundtone.errors import EngineError, SettingsError, WrongUse  # noqa: E402
from groundtone.tuning.base_model import load_model  # noqa: E402
from groundtone.tuning.gguf import export_adapter  # noqa: E402
from groundtone.tuning.recipe import LAYERS  # noqa: E402
from groundtone.workspace import deploying  # noqa: E402
from groundtone.workspace.bases import base_file, invocation  # noqa: E402
from server.serving import served  # noqa: E402
from workspace.test_exporting import workspace_of  # noqa: E402

ASKED = [{"role": "system", "content": "s"}, {"role": "user", "content": "hello 3"}]


def register(workspace: Workspace, kind: str) -> None:
    """A tuned model with random weights, which changes every answer, as a run leaves it."""
    model = load_model(base_file(workspace.settings.chat.model))
    config = peft.LoraConfig(
        r=4, lora_alpha=8, target_modules=list(LAYERS), init_lora_weights=False,
        task_type="CAUSAL_LM",
    )  # fmt: skip
    torch.manual_seed(len(kind))
    adapted = peft.get_peft_model(model, config)
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.2)
    folder = workspace.state / "runs" / f"run-{kind}"
    adapted.save_pretrained(folder / "adapter")
    (folder / "adapter" / "README.md").unlink()  # ours writes none
    state = peft.get_peft_model_state_dict(adapted)
    base = base_file(workspace.settings.chat.model)
    switch = invocation(workspace.chat) if kind == "alora" else None
    export_adapter(state, config, folder / "adapter.gguf", base_gguf=base, invocation_tokens=switch)
    (folder / "parity.json").write_text("[]", "utf-8")
    (folder / "job.json").write_text(json.dumps({"invocation_tokens": switch}), "utf-8")
    workspace.catalog.put_model(
        StoredModel(
            name=f"ft:Tiny-Base:{kind}:{kind}1",
            base=workspace.settings.chat.model,
            kind=kind,
            data_sha256="",
            path=f"runs/run-{kind}/adapter.gguf",
            settings={"system": "s", "recipe": {"rank": 4}},
        )
    )


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = workspace_of(tmp_path_factory.mktemp("deployed"))
    with Workspace.open(folder) as workspace:
        for kind in ("lora", "alora"):
            register(workspace, kind)
    with Workspace.open(folder) as workspace:
        yield workspace


@pytest.fixture(scope="module")
def done(opened: Workspace, tmp_path_factory: pytest.TempPathFactory) -> deploying.Deployed:
    to = tmp_path_factory.mktemp("fleet") / "out"
    return deploying.deploy(opened, [], to, url="http://127.0.0.1:9/v1")


@pytest.fixture(scope="module")
def url(opened: Workspace, done: deploying.Deployed) -> Iterator[str]:
    with served(opened.folder, env={"GROUNDTONE_CHAT__FLEET": ""}) as server:
        yield server.url


@pytest.fixture
def fleet(opened: Workspace, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """The same workspace, its answers coming from the server."""
    monkeypatch.setenv("GROUNDTONE_CHAT__FLEET", f"{url}#{opened.settings.chat.model}")
    with Workspace.open(opened.folder) as workspace:
        yield workspace


def test_what_is_written_serves_the_plain_adapters_by_name(
    opened: Workspace, done: deploying.Deployed
) -> None:
    name = opened.model_name("lora")
    assert done.models == (name,)
    assert list(done.left_out) == [opened.model_name("alora")]
    words = done.command.split()
    assert words[:3] == ["vllm", "serve", "./base"]
    at = f"adapters/{name.rpartition(':')[2]}"
    assert words[words.index("--lora-modules") + 1 :] == [f"{name}={at}"]
    assert words[words.index("--max-lora-rank") + 1] == "8"  # of 4: what vLLM can be told
    config = json.loads((done.folder / at / "adapter_config.json").read_text())
    assert config["r"] == 4 and not config["alora_invocation_tokens"] and not config["use_dora"]
    assert (done.folder / "serve.sh").stat().st_mode & stat.S_IXUSR
    told = tomllib.loads((done.folder / "groundtone.toml").read_text())
    assert told == {"chat": {"fleet": "http://127.0.0.1:9/v1#Tiny-Base"}}
    for path in (p for p in done.folder.rglob("*") if p.suffix in (".json", ".md", ".sh")):
        assert str(opened.folder.parent) not in path.read_text("utf-8"), path


def test_the_base_that_is_written_is_the_one_that_answers_here(
    opened: Workspace, done: deploying.Deployed
) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(done.folder / "base")
    probe = probing.load(run(opened) / probing.FILE)[0]
    rendered = tokenizer.apply_chat_template(
        probe.messages, tokenize=False, add_generation_prompt=True
    )
    assert rendered == opened.chat.render(probe.messages)
    base = AutoModelForCausalLM.from_pretrained(done.folder / "base", dtype=torch.float32)
    tuned = peft.PeftModel.from_pretrained(base, next((done.folder / "adapters").iterdir()))
    ids = torch.tensor([opened.chat.tokens(rendered)])
    with torch.no_grad():
        first = int(tuned(input_ids=ids).logits[0, -1].argmax())
    assert first == opened.chat.tokens(probe.tuned)[0]


def test_adapters_that_vllm_does_not_serve_are_refused_by_name(
    opened: Workspace, tmp_path: Path
) -> None:
    with pytest.raises(WrongUse, match="activated"):
        deploying.deploy(opened, ["alora"], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    with pytest.raises(WrongUse, match="holds something"):
        deploying.deploy(opened, ["lora"], tmp_path / "full")


def test_a_fleet_answers_as_this_machine_does(opened: Workspace, fleet: Workspace) -> None:
    assert isinstance(fleet.chat, FleetEngine)
    assert fleet.chat.exact_tokens and fleet.model_name("lora") == opened.model_name("lora")
    for model in ("base", opened.model_name("lora")):
        answers = [complete(w.chat, ASKED, model=model, max_tokens=12) for w in (opened, fleet)]
        assert answers[0].text == answers[1].text
        assert answers[0].prompt_tokens == answers[1].prompt_tokens
    proof = fleet.chat.prove(opened.model_name("lora"))
    assert proof is not None and proof.holds
    assert proof.agreement == 1.0 > proof.base_agreement
    assert not (here := fleet.chat._local), here  # nothing was opened on this machine
    with pytest.raises(WrongUse, match="nobody"):
        complete(fleet.chat, ASKED, model="nobody")


def test_one_that_was_never_deployed_is_answered_here(opened: Workspace, fleet: Workspace) -> None:
    model = opened.model_name("alora")
    answers = [complete(w.chat, ASKED, model=model, max_tokens=8).text for w in (opened, fleet)]
    assert answers[0] == answers[1]


def test_whole_requests_go_to_the_fleet_or_nowhere(opened: Workspace, fleet: Workspace) -> None:
    engine = fleet.chat
    assert isinstance(engine, FleetEngine)
    request = {"model": opened.model_name("lora"), "messages": ASKED}
    request |= {"max_tokens": 4, "temperature": 0}
    (answer,) = engine.relay(request, stream=False)
    wanted = complete(opened.chat, ASKED, model=opened.model_name("lora"), max_tokens=4).text
    assert answer["choices"][0]["message"]["content"] == wanted
    with pytest.raises(EngineError, match="on this machine"):
        engine.relay(request | {"model": opened.model_name("alora")}, stream=False)


class _BaseOnly:
    """A server that knows the tuned model's name, and serves the base."""

    def __init__(self, engine: ChatEngine) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> object:
        return getattr(self._engine, name)

    def stream(self, messages: object, *, model: str = "base", **options: object) -> object:
        return self._engine.stream(messages, model="base", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("unproven", ["refuse", "local"])
def test_a_fleet_that_serves_the_base_silently_is_found_out(
    opened: Workspace, fleet: Workspace, unproven: str
) -> None:
    model = opened.model_name("lora")
    engine = fleet.chat
    assert isinstance(engine, FleetEngine)
    engine._remote = _BaseOnly(engine._remote)  # type: ignore[assignment]
    engine._unproven = unproven
    if unproven == "refuse":
        with pytest.raises(EngineError, match="not applied"):
            complete(engine, ASKED, model=model)
        return
    wanted = complete(opened.chat, ASKED, model=model, max_tokens=12).text
    assert complete(engine, ASKED, model=model, max_tokens=12).text == wanted


def test_another_adapter_under_the_name_is_found_out(opened: Workspace, fleet: Workspace) -> None:
    engine, path = fleet.chat, run(opened) / probing.FILE
    probes = probing.load(path)
    kept = path.read_bytes()
    try:
        others = [asdict(p) | {"tuned": "of another run 12 12 12"} for p in probes]
        path.write_text(json.dumps(others), "utf-8")
        with pytest.raises(EngineError, match="are needed"):
            complete(engine, ASKED, model=opened.model_name("lora"))
    finally:
        path.write_bytes(kept)


def test_a_fleet_that_is_away_says_so_or_this_machine_answers(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = opened.model_name("lora")
    for unproven in ("refuse", "local"):
        monkeypatch.setenv("GROUNDTONE_CHAT__FLEET", "http://127.0.0.1:9/v1#base")
        monkeypatch.setenv("GROUNDTONE_CHAT__UNPROVEN", unproven)
        with Workspace.open(opened.folder) as workspace:
            engine = workspace.chat
            assert isinstance(engine, FleetEngine)
            engine._remote._retries = 0
            if unproven == "local":
                assert complete(engine, ASKED, model=model, max_tokens=4).text
                continue
            with pytest.raises(EngineError, match="cannot be reached"):
                complete(engine, ASKED, model=model)


def test_the_doctor_proves_what_the_fleet_serves(
    opened: Workspace, fleet: Workspace, url: str
) -> None:
    found = [f for f in cluster.look(fleet) if f.name in ("chat", "adapter", "clock", "ray")]
    told = [(finding.level, finding.name) for finding in found]
    assert told == [
        ("ok", "ray"), ("ok", "chat"), ("ok", "clock"), ("warn", "adapter"), ("ok", "adapter"),
    ] or told == [
        ("ok", "ray"), ("ok", "chat"), ("ok", "clock"), ("ok", "adapter"), ("warn", "adapter"),
    ], found  # fmt: skip
    proven = next(f for f in found if f.name == "adapter" and f.level == "ok")
    assert "100%" in proven.text and opened.model_name("lora") in proven.text
    engine = fleet.chat
    assert isinstance(engine, FleetEngine)
    engine._remote = _BaseOnly(engine._remote)  # type: ignore[assignment]
    assert ("fail", "adapter") in [(f.level, f.name) for f in cluster.look(fleet)]


def test_an_address_without_a_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDTONE_CHAT__FLEET", "http://127.0.0.1:9/v1")
    with pytest.raises(SettingsError, match="NAME"):
        Workspace.create(tmp_path / "kb")


def run(workspace: Workspace) -> Path:
    stored = workspace.catalog.get_model(workspace.model_name("lora"))
    assert stored is not None
    return (workspace.state / stored.path).parent
